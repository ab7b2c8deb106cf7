// What all parts of the playground stand on: its elements, its server, and markup as elements.
export const { localize, say } = window.heliostat;
export const headers = { "X-CSRF-Token": window.heliostat.csrf, "HX-Request": "true" };
export const byId = (id) => document.getElementById(id);
// Absent where no model draws.
export const bench = byId("bench");

export const fragment = (markup) => {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content;
};

// Refusals come as escaped sentences.
export const sentence = async (answer) =>
  fragment(await answer.text()).textContent.slice(0, 500) || `That did not work (${answer.status}).`;

// An answer of the playground's own addresses. Throws what was refused as a sentence, and a TypeError without a server.
export const asked = async (path, options = {}) => {
  const answer = await fetch(path, { ...options, headers: { ...headers, ...options.headers } });
  if (!answer.ok) throw new Error(await sentence(answer));
  return answer;
};

// Elements take the places of those of the same id.
export const put = (markup) => {
  for (const fresh of [...fragment(markup).children]) {
    byId(fresh.id)?.replaceWith(fresh);
    localize(fresh);
  }
};
