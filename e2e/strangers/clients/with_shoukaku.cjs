// A bot on shoukaku.
const { Connectors, Shoukaku } = require("shoukaku");
const { run, say } = require("./orders.cjs");

run((bot) => {
  let shoukaku, player, track;
  return {
    async connect({ nodes }) {
      const options = {
        resume: true,
        resumeTimeout: 60,
        reconnectInterval: 1,
        nodeResolver: (known) => known.get("one"),
      };
      shoukaku = new Shoukaku(new Connectors.DiscordJS(bot), [], options);
      shoukaku.id = bot.user.id;
      shoukaku.on("error", (node, error) => say({ event: "error", node, text: String(error) }));
      shoukaku.on("ready", (node, resumed) => say({ event: "ready", node, resumed }));
      for (const { name, host, port, password } of nodes) {
        shoukaku.addNode({ name, url: `${host}:${port}`, auth: password });
      }
    },
    async load({ link }) {
      const found = await shoukaku.nodes.get("one").rest.resolve(link);
      track = found.data;
      return { title: track.info.title, length: track.info.length };
    },
    async join({ guild, channel }) {
      player = await shoukaku.joinVoiceChannel({ guildId: guild, channelId: channel, shardId: 0 });
      player.on("start", (event) => say({ event: "start", title: event.track.info.title }));
      player.on("end", (event) => say({ event: "end", reason: event.reason }));
    },
    play: () => player.playTrack({ track: { encoded: track.encoded } }),
    pause: ({ paused }) => player.setPaused(paused),
    seek: ({ ms }) => player.seekTo(ms),
    async move({ node }) {
      if (!(await player.move(node))) throw new Error("shoukaku did not move");
    },
    stop: () => player.stopTrack(),
  };
});
