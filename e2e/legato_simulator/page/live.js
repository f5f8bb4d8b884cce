// Keeps the page up to date: loads what is, follows what happens, and begins anew when cut off.

import { EVENTS, Unreachable } from "./api.js";

const SOONEST = 400;
const LATEST = 4000;

// `load` fetches everything and returns the id of the newest happening it knows of.
export async function follow({ load, happened, connected }) {
  let pause = SOONEST;
  for (;;) {
    try {
      const last = await load();
      await stream(last, happened, () => {
        pause = SOONEST;
        connected(true);
      });
    } catch (error) {
      if (!(error instanceof Unreachable)) console.error(error);
    }
    connected(false);
    await waited(pause);
    pause = Math.min(pause * 1.6, LATEST);
  }
}

// Ends when the stream does; EventSource's own reconnecting would miss what a restart forgot.
function stream(last, happened, opened) {
  return new Promise((resolve) => {
    const source = new EventSource(`/control/events?since=${last}`);
    source.addEventListener("open", opened);
    source.addEventListener("error", () => {
      source.close();
      resolve();
    });
    for (const kind of EVENTS) {
      source.addEventListener(kind, (event) => happened(kind, JSON.parse(event.data)));
    }
  });
}

function waited(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });
}
