// Plays an Ogg Opus file through @discordjs/voice, fed with what Discord's gateway would tell it.
// Orders come as one JSON line on standard input; every state change is a line on standard output.
const readline = require("node:readline");
const { createReadStream } = require("node:fs");

const say = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

readline.createInterface({ input: process.stdin }).once("line", (line) => {
  const orders = JSON.parse(line);
  const voice = require(orders.library);
  const adapterCreator = (methods) => {
    setImmediate(() => {
      methods.onVoiceStateUpdate({
        guild_id: orders.guild_id,
        channel_id: orders.channel_id,
        user_id: orders.user_id,
        session_id: orders.session_id,
      });
      methods.onVoiceServerUpdate({
        guild_id: orders.guild_id,
        token: orders.token,
        endpoint: orders.endpoint,
      });
    });
    return { sendPayload: () => true, destroy: () => {} };
  };
  const connection = voice.joinVoiceChannel({
    guildId: orders.guild_id,
    channelId: orders.channel_id,
    adapterCreator,
  });
  const player = voice.createAudioPlayer();
  connection.on("stateChange", (_, state) => say("connection", { state: state.status }));
  connection.on("error", (error) => say("error", { text: String(error) }));
  player.on("error", (error) => say("error", { text: String(error) }));
  player.on("stateChange", (_, state) => {
    say("player", { state: state.status });
    if (state.status === voice.AudioPlayerStatus.Idle) {
      connection.destroy();
      setTimeout(() => process.exit(0), 100);
    }
  });
  connection.once(voice.VoiceConnectionStatus.Ready, () => {
    connection.subscribe(player);
    player.play(
      voice.createAudioResource(createReadStream(orders.file), {
        inputType: voice.StreamType.OggOpus,
      }),
    );
  });
});
process.stdin.on("end", () => process.exit(3));
