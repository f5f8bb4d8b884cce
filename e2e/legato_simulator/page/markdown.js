// Discord's markdown as nodes: https://support.discord.com/hc/en-us/articles/210298617
// `names` resolves mentions. Links lead to http and https only.

import { h } from "./dom.js";

export function markdown(text, names) {
  return blocks(String(text ?? ""), names);
}

const BLOCKS = [
  [/^```(?:([\w+#-]*)\n)?([\s\S]*?)\n?```/, (found) => h("pre", {}, h("code", {}, found[2]))],
  [/^>>> ([\s\S]*)/, (found, names) => h("blockquote", {}, blocks(found[1], names))],
  [
    /^(?:> ?.*(?:\n|$))+/,
    (found, names) => {
      const inner = found[0].replace(/^> ?/gm, "").replace(/\n$/, "");
      return h("blockquote", {}, blocks(inner, names));
    },
  ],
  [
    /^(#{1,3}) +(.+)(?:\n|$)/,
    (found, names) =>
      h(
        "p",
        {
          class: `heading h${found[1].length}`,
          role: "heading",
          "aria-level": found[1].length + 2,
        },
        inline(found[2], names),
      ),
  ],
  [/^-# +(.+)(?:\n|$)/, (found, names) => h("p", { class: "subtext" }, inline(found[1], names))],
  [/^(?: *[-*] +.+(?:\n|$))+/, (found, names) => list("ul", found[0], /^ *[-*] +/, names)],
  [/^(?: *\d+\. +.+(?:\n|$))+/, (found, names) => list("ol", found[0], /^ *\d+\. +/, names)],
];

function list(tag, text, mark, names) {
  const lines = text.replace(/\n$/, "").split("\n");
  const start = tag === "ol" ? Number.parseInt(lines[0], 10) : null;
  return h(
    tag,
    { start },
    lines.map((line) => h("li", {}, inline(line.replace(mark, ""), names))),
  );
}

function blocks(text, names) {
  const nodes = [];
  let plain = "";
  let rest = text;
  const flush = () => {
    const lines = plain.replace(/\n$/, "");
    if (lines) nodes.push(h("p", {}, inline(lines, names)));
    plain = "";
  };
  while (rest) {
    const found = block(rest);
    if (found) {
      flush();
      nodes.push(found.make(found.match, names));
      rest = rest.slice(found.match[0].length).replace(/^\n/, "");
      continue;
    }
    // A code block may begin within a line; everything else only at its start.
    const fence = rest.slice(1).indexOf("```");
    const end = rest.indexOf("\n");
    const line = end < 0 ? rest.length : end + 1;
    const taken = fence >= 0 && fence + 1 < line ? fence + 1 : line;
    plain += rest.slice(0, taken);
    rest = rest.slice(taken);
  }
  flush();
  return nodes;
}

function block(text) {
  for (const [pattern, make] of BLOCKS) {
    const match = pattern.exec(text);
    if (match && match[0]) return { match, make };
  }
  return null;
}

const INLINE = [
  [/^\\([\\*_~`|<>()[\]#:@-])/, (found) => found[1]],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (found) => h("code", {}, found[2].trim())],
  [
    /^\*\*\*(?=\S)([\s\S]+?)\*\*\*/,
    (found, names) => h("strong", {}, h("em", {}, inline(found[1], names))),
  ],
  [/^\*\*(?=\S)([\s\S]+?)\*\*(?!\*)/, (found, names) => h("strong", {}, inline(found[1], names))],
  [/^__(?=\S)([\s\S]+?)__(?!_)/, (found, names) => h("u", {}, inline(found[1], names))],
  [/^~~(?=\S)([\s\S]+?)~~/, (found, names) => h("s", {}, inline(found[1], names))],
  [/^\|\|([\s\S]+?)\|\|/, (found, names) => spoiler(inline(found[1], names))],
  [/^\*(?=\S)((?:[^*]|\*\*)+?)\*(?!\*)/, (found, names) => h("em", {}, inline(found[1], names))],
  [/^_(?=\S)([^_]+?)_(?!\w)/, (found, names) => h("em", {}, inline(found[1], names))],
  [
    /^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s>)]+)>?(?: "[^"\n]*")?\)/,
    (found, names) => link(found[2], inline(found[1], names)),
  ],
  [/^<(https?:\/\/[^\s>]+)>/, (found) => link(found[1], found[1])],
  [/^https?:\/\/[^\s<>]*[^\s<>.,:;!?'")\]]/, (found) => link(found[0], found[0])],
  [/^<@!?(\d+)>/, (found, names) => mention(`@${names.user(found[1])}`)],
  [/^<@&(\d+)>/, (found, names) => mention(`@${names.role(found[1])}`)],
  [/^<#(\d+)>/, (found, names) => mention(`#${names.channel(found[1])}`)],
  [/^<\/([\w -]+):\d+>/, (found) => mention(`/${found[1]}`)],
  [/^@(everyone|here)\b/, (found) => mention(found[0])],
  [/^<t:(-?\d+)(?::([tTdDfFR]))?>/, (found) => moment(Number(found[1]), found[2] ?? "f")],
  [/^<a?(:\w+:)\d+>/, (found) => found[1]],
  [/^\n/, () => h("br")],
];

function inline(text, names) {
  const nodes = [];
  let plain = "";
  let rest = text;
  let before = "";
  while (rest) {
    const found = span(rest, before);
    if (found) {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found.make(found.match, names));
      before = found.match[0].at(-1);
      rest = rest.slice(found.match[0].length);
    } else {
      before = rest[0];
      plain += before;
      rest = rest.slice(1);
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function span(text, before) {
  if (!/^[\\`*_~|[<@h\n]/.test(text)) return null;
  // snake_case and a word's own letters begin nothing.
  if (/\w/.test(before) && /^[_h]/.test(text)) return null;
  for (const [pattern, make] of INLINE) {
    const match = pattern.exec(text);
    if (match) return { match, make };
  }
  return null;
}

function link(address, label) {
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

function mention(text) {
  return h("span", { class: "mention" }, text);
}

function spoiler(content) {
  const open = (event) => {
    if (event.type === "keydown" && !["Enter", " "].includes(event.key)) return;
    event.currentTarget.classList.add("open");
    event.currentTarget.removeAttribute("role");
  };
  const label = {
    class: "spoiler",
    role: "button",
    tabindex: "0",
    "aria-label": "Spoiler: show it",
  };
  return h("span", { ...label, click: open, keydown: open }, h("span", {}, content));
}

// Moments.

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function moment(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "Invalid date";
  const full = date.toLocaleString([], STYLES.F);
  const attributes = { datetime: date.toISOString(), title: full, class: "moment" };
  if (style === "R")
    return h("time", { ...attributes, dataset: { relative: seconds } }, ago(seconds));
  return h("time", attributes, date.toLocaleString([], STYLES[style]));
}

function ago(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(away) >= each) ?? UNITS.at(-1);
  return relative.format(Math.trunc(away / size), unit);
}

export function keepMomentsCurrent() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const text = ago(Number(element.dataset.relative));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 1000);
}
