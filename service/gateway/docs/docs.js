// Shows the OpenAPI documents of all services as one searchable page. No library, nothing from another site.
"use strict";

const list = document.getElementById("list");
const search = document.getElementById("search");
const service = document.getElementById("service");

function element(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) e.setAttribute(name, value);
  for (const child of children) e.append(child);
  return e;
}

function resolve(doc, schema) {
  let seen = 0;
  while (schema && schema.$ref && seen++ < 10) schema = schema.$ref.split("/").slice(1).reduce((o, k) => o && o[k], doc);
  return schema || {};
}

function kind(doc, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return "list of " + kind(doc, schema.items);
  if (schema.enum) return schema.enum.join(" | ");
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "";
  return schema.format ? type + " (" + schema.format + ")" : type;
}

function rows(doc, schema, prefix, depth, out) {
  schema = resolve(doc, schema);
  for (const [name, property] of Object.entries(schema.properties || {})) {
    const inner = property.type === "array" ? property.items : property;
    out.push(element("tr", {}, element("td", {}, prefix + name), element("td", {}, kind(doc, property)),
      element("td", {}, property.description || resolve(doc, inner).description || "")));
    if (depth < 3 && resolve(doc, inner).properties) rows(doc, inner, prefix + name + (property.type === "array" ? "[]." : "."), depth + 1, out);
  }
  return out;
}

function fields(doc, title, schema) {
  const lines = rows(doc, schema, "", 0, []);
  if (!lines.length) return [];
  return [element("h3", {}, title), element("table", {}, ...lines)];
}

function operation(doc, path, verb, op) {
  const body = element("div", { class: "body" }, element("p", {}, [op.summary, op.description].filter(Boolean).join(" ")));
  const box = element("details", {}, element("summary", {}, element("span", { class: "verb " + verb }, verb),
    element("span", { class: "path" }, path), element("span", { class: "what" }, op.summary || "")), body);
  box.addEventListener("toggle", () => {
    if (!box.open || box.dataset.filled) return;
    box.dataset.filled = "yes";
    const parameters = (op.parameters || []).map((p) => element("tr", {}, element("td", {}, p.name + (p.required ? " *" : "")),
      element("td", {}, p.in + ", " + kind(doc, p.schema)), element("td", {}, p.description || "")));
    if (parameters.length) body.append(element("h3", {}, "Parameters"), element("table", {}, ...parameters));
    const request = op.requestBody && op.requestBody.content && op.requestBody.content["application/json"];
    if (request) body.append(...fields(doc, "Request", request.schema));
    const answer = op.responses && op.responses["200"] && op.responses["200"].content && op.responses["200"].content["application/json"];
    if (answer) body.append(...fields(doc, "Answer", answer.schema));
  });
  box.dataset.text = (path + " " + verb + " " + (op.operationId || "") + " " + (op.summary || "") + " " + (op.description || "")).toLowerCase();
  return box;
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of list.children) {
    let any = false;
    const here = !service.value || section.dataset.name === service.value;
    for (const box of section.querySelectorAll("details")) {
      const show = here && words.every((w) => box.dataset.text.includes(w));
      box.hidden = !show;
      any = any || show;
      found += show ? 1 : 0;
    }
    section.hidden = !any;
  }
  document.getElementById("none").hidden = found > 0;
}

fetch("openapi.json").then((r) => r.json()).then((documents) => {
  for (const name of Object.keys(documents).sort()) {
    const doc = documents[name];
    const section = element("section", {}, element("h2", {}, name));
    section.dataset.name = name;
    for (const path of Object.keys(doc.paths || {}).sort()) {
      for (const [verb, op] of Object.entries(doc.paths[path])) section.append(operation(doc, path, verb, op));
    }
    list.append(section);
    service.append(element("option", { value: name }, name));
  }
  filter();
});
search.addEventListener("input", filter);
service.addEventListener("change", filter);
