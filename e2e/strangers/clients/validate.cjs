// Checks what was said between clients and nodes against lavalink-protocol's schemas: one JSON
// object on standard input, another on standard output.
const protocol = require("lavalink-protocol");

const routes = Object.values(protocol)
  .filter((each) => each?.method && each?.path)
  .map((route) => ({
    ...route,
    pattern: new RegExp(`^${route.path.replace(/\[\w+\]/g, "[^/]+")}$`),
  }));
// Wavelink writes them as Python does, and Spring reads them in any case.
const flags = { true: true, false: false };
const flag = (value) => flags[value.toLowerCase()] ?? value;
// https://lavalink.dev/api/rest#error-responses: every route has it.
const always = "trace";

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const { messages, exchanges } = JSON.parse(text);
  const faults = new Map();
  const seen = {};
  const note = (fault, value) => {
    if (!faults.has(fault)) faults.set(fault, JSON.stringify(value).slice(0, 500));
  };
  const check = (name, schema, value, client) => {
    seen[name] = (seen[name] ?? 0) + 1;
    try {
      protocol.parse(schema, value);
    } catch (error) {
      const by = client === undefined ? "" : ` by ${client}`;
      note(`${name}${by}: ${error.cause?.message ?? error.message}`, value);
    }
  };
  const checkRequest = (name, route, { client, query, sent }) => {
    if (sent !== "") {
      if (route.jsonBody) check(`${name} sent`, route.jsonBody, sent, client);
      else note(`${name} by ${client}: no body is documented`, sent);
    }
    const asked = Object.entries(query).filter(([key]) => key !== always);
    const values = Object.fromEntries(asked.map(([key, value]) => [key, flag(value)]));
    if (route.query) check(`${name} asked`, route.query, values, client);
    else if (asked.length) note(`${name} by ${client}: no query is documented`, query);
  };
  for (const message of messages) {
    const name = message.op === "event" ? message.type : message.op;
    check(name, protocol.message, message);
  }
  for (const exchange of exchanges) {
    const { method, path, status, answered } = exchange;
    const route = routes.find((each) => each.method === method && each.pattern.test(path));
    const name = `${method} ${route?.path ?? path}`;
    if (!route) {
      note(`no documented route: ${name} by ${exchange.client}`, "");
      continue;
    }
    checkRequest(name, route, exchange);
    if (status >= 400) check(`${name} refused`, protocol.error, answered);
    else if (status !== 204 && route.result) check(name, route.result, answered);
  }
  const checked = Object.values(seen).reduce((sum, one) => sum + one, 0);
  console.log(JSON.stringify({ checked, seen, faults: [...faults].map((each) => each.join("  ")) }));
});
