// Asks OpenAI's own library for every row of a table, one after the other: KEY, HELIOSTAT_URL, and a file of rows.
//
// A row is {"method", "arguments"}; {"$file": base64, "name"} stands for a file. Prints a line of JSON for each.
import { readFile } from "node:fs/promises";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: `${process.env.HELIOSTAT_URL}/v1`, apiKey: process.env.KEY, maxRetries: 0 });

async function meant(value) {
  if (Array.isArray(value)) return Promise.all(value.map(meant));
  if (value?.$file === undefined) return value;
  return toFile(Buffer.from(value.$file, "base64"), value.name);
}

async function answerTo({ method, arguments: given }) {
  const body = {};
  for (const [name, value] of Object.entries(given)) body[name] = await meant(value);
  try {
    const answer = await client.images[method](body);
    if (!body.stream) return { count: answer.data.length };
    const kinds = [];
    for await (const event of answer) kinds.push(event.type);
    return { kinds };
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return { refused: { status: error.status, param: error.param, message: error.message } };
  }
}

for (const row of JSON.parse(await readFile(process.argv[2], "utf8"))) {
  console.log(JSON.stringify(await answerTo(row)));
}
