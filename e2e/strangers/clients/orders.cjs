// What every program on a Node client shares: orders in, answers out, a discord.js bot.
// An order is a JSON line on standard input, {"do": name, …}; its answer a line on standard output.
const readline = require("node:readline");
const { Client, GatewayIntentBits } = require("discord.js");

const say = (fields) => console.log(JSON.stringify(fields));

// `build` gives an object with a method for each order; the bot is made, and logs in later.
const run = (build) => {
  let bot, guest;
  const follow = async ({ do: name, ...order }) => {
    if (name === "quit") {
      await bot.destroy();
      process.exit(0);
    }
    try {
      say({ done: name, ...(await guest[name](order)) });
    } catch (error) {
      console.error(error);
      say({ failed: name, text: String(error) });
    }
  };
  let turn = Promise.resolve();
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line);
    if (order.do !== "log in") {
      turn = turn.then(() => follow(order));
      return;
    }
    bot = new Client({
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
      rest: { api: order.api.replace(/\/v10$/, "") },
    });
    bot.on("error", (error) => say({ event: "error", text: String(error) }));
    guest = build(bot);
    bot.once("clientReady", () => say({ done: "log in" }));
    bot.login(order.token);
  });
};

module.exports = { run, say };
