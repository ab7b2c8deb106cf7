// Lists the models that the gateway serves, each with its targets in order.
//
//   KEY=... node models.mjs
import { ask, explained, router } from "./mesh.mjs";

try {
  const { models } = await ask(router, "ListModels", {});
  for (const { name, aliases, targets } of models) {
    console.log(JSON.stringify({ name, aliases, targets: targets.map(({ target }) => target) }));
  }
} catch (error) {
  if (error.code === undefined) throw error;
  console.log(JSON.stringify({ error: explained(error) }));
  process.exitCode = 1;
} finally {
  router.close();
}
