// A bot on lavalink-client.
const { LavalinkManager } = require("lavalink-client");
const { run, say } = require("./orders.cjs");

run((bot) => {
  let manager, player, track;
  const begun = new Set();
  const begin = async (node) => {
    const session = node.sessionId;
    if (!node.info || !session || begun.has(session)) return;
    begun.add(session);
    await node.updateSession(true, 60);
    // What its reconnecting asks for: without it, no session is resumed.
    node.options.sessionId = session;
    say({ event: "ready", node: node.id, resumed: false });
  };
  return {
    async connect({ nodes }) {
      manager = new LavalinkManager({
        nodes: nodes.map(({ name, host, port, password }) => ({
          id: name,
          host,
          port: Number(port),
          authorization: password,
          retryDelay: 500,
          retryAmount: 20,
          // Else it loads nothing from a server without YouTube.
          autoChecks: { sourcesValidations: false },
        })),
        sendToShard: (guild, payload) => bot.guilds.cache.get(guild)?.shard?.send(payload),
        client: { id: bot.user.id, username: bot.user.username },
      });
      bot.on("raw", (packet) => manager.sendRawData(packet));
      manager.on("trackStart", (_, started) => say({ event: "start", title: started.info.title }));
      // A track that is the last, or is stopped, ends the queue.
      for (const event of ["trackEnd", "queueEnd"]) {
        manager.on(event, (_, __, end) => say({ event: "end", reason: end.reason }));
      }
      manager.nodeManager.on("error", (node, error) =>
        say({ event: "error", node: node.id, text: String(error) }),
      );
      // "connect" says that the node's information is there, which may be before its session is.
      manager.nodeManager.on("connect", begin);
      manager.nodeManager.on("raw", (node, { op }) => {
        if (op === "ready") setImmediate(() => begin(node));
      });
      manager.nodeManager.on("resumed", (node, payload) =>
        say({ event: "ready", node: node.id, resumed: payload.resumed }),
      );
      await manager.init({ id: bot.user.id, username: bot.user.username });
    },
    async load({ link }) {
      const node = manager.nodeManager.nodes.get("one");
      const found = await node.search({ query: link }, { id: "listener" });
      track = found.tracks[0];
      return { title: track.info.title, length: track.info.duration };
    },
    async join({ guild, channel }) {
      player = manager.createPlayer({ guildId: guild, voiceChannelId: channel, node: "one" });
      await player.connect();
    },
    async play() {
      await player.play({ clientTrack: track });
    },
    async pause({ paused }) {
      await (paused ? player.pause() : player.resume());
    },
    async seek({ ms }) {
      await player.seek(ms);
    },
    async move({ node }) {
      await player.changeNode(node);
    },
    async stop() {
      await player.stopPlaying();
    },
  };
});
