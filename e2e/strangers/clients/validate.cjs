// Checks what was said between clients and nodes against lavalink-protocol's schemas: one JSON
// object on standard input, another on standard output.
const protocol = require("lavalink-protocol");

const routes = Object.values(protocol)
  .filter((each) => each?.method && each?.path)
  .map((route) => ({
    ...route,
    pattern: new RegExp(`^${route.path.replace(/\[\w+\]/g, "[^/]+")}$`),
  }));

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const { messages, exchanges } = JSON.parse(text);
  const faults = new Map();
  const seen = {};
  const check = (name, schema, value) => {
    seen[name] = (seen[name] ?? 0) + 1;
    try {
      protocol.parse(schema, value);
    } catch (error) {
      const fault = `${name}: ${error.cause?.message ?? error.message}`;
      if (!faults.has(fault)) faults.set(fault, JSON.stringify(value).slice(0, 500));
    }
  };
  for (const message of messages) {
    const name = message.op === "event" ? message.type : message.op;
    check(name, protocol.message, message);
  }
  for (const { method, path, status, answered } of exchanges) {
    const route = routes.find((each) => each.method === method && each.pattern.test(path));
    const name = `${method} ${route?.path ?? path}`;
    if (status >= 400) {
      check(`${name} refused`, protocol.error, answered);
    } else if (!route) {
      faults.set(`no documented route: ${name}`, "");
    } else {
      if (status !== 204 && route.result) check(name, route.result, answered);
    }
  }
  const checked = Object.values(seen).reduce((sum, one) => sum + one, 0);
  console.log(JSON.stringify({ checked, seen, faults: [...faults].map((each) => each.join("  ")) }));
});
