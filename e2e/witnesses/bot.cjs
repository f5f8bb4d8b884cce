// A bot on discord.js: logs in, registers a command, answers it, its autocomplete and its button.
// Orders come as one JSON line on standard input; what it sees is a line each on standard output.
const readline = require("node:readline");
const {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  GatewayIntentBits,
} = require("discord.js");

const say = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

const query = { type: 3, name: "query", description: "What", required: true, autocomplete: true };
const play = { name: "play", description: "Play something", options: [query] };

const answer = async (interaction) => {
  if (interaction.isAutocomplete()) {
    await interaction.respond([{ name: "Morning", value: "morning" }]);
  } else if (interaction.isButton()) {
    await interaction.update({ content: "Paused", components: [] });
  } else {
    await interaction.deferReply();
    const pause = new ButtonBuilder()
      .setCustomId("pause")
      .setLabel("Pause")
      .setStyle(ButtonStyle.Primary);
    await interaction.editReply({
      content: `Playing ${interaction.options.getString("query")}`,
      components: [new ActionRowBuilder().addComponents(pause)],
    });
  }
};

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  const orders = JSON.parse(line);
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
    rest: { api: orders.api },
  });
  client.on("error", (error) => say("error", { text: String(error) }));
  client.on("warn", (text) => say("error", { text }));
  client.on("interactionCreate", (interaction) =>
    answer(interaction).catch((error) => say("error", { text: String(error) })),
  );
  client.once("clientReady", async () => {
    await client.application.commands.set([play]);
    const guilds = client.guilds.cache.map((guild) => guild.name);
    say("ready", { name: client.user.username, guilds });
  });
  process.on("SIGTERM", () => client.destroy().then(() => process.exit(0)));
  await client.login(orders.token);
});
