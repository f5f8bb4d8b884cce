// Embeds and attachments as nodes.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";

export function embed(body, names) {
  const element = h(
    "article",
    { class: "embed" },
    h(
      "div",
      { class: "embed-text" },
      body.author &&
        h(
          "p",
          { class: "embed-author" },
          small(body.author.icon_url),
          linked(body.author.name, body.author.url),
        ),
      body.title &&
        h(
          "div",
          { class: "embed-title" },
          body.url ? linked(body.title, body.url) : markdown(body.title, names),
        ),
      body.description &&
        h("div", { class: "embed-description" }, markdown(body.description, names)),
      body.fields?.length ? fields(body.fields, names) : null,
    ),
    body.thumbnail && picture(body.thumbnail.url, "embed-thumbnail"),
    body.image && picture(body.image.url, "embed-image"),
    footer(body),
  );
  if (body.color) element.style.setProperty("--stripe", colour(body.color));
  return element;
}

function fields(all, names) {
  const one = (field) =>
    h(
      "div",
      { class: field.inline ? "field inline" : "field" },
      h("dt", {}, markdown(field.name, names)),
      h("dd", {}, markdown(field.value, names)),
    );
  return h("dl", { class: "fields" }, all.map(one));
}

function footer(body) {
  if (!body.footer && !body.timestamp) return null;
  const at = body.timestamp ? new Date(body.timestamp) : null;
  const parts = [
    body.footer?.text,
    at && at.toLocaleString([], { dateStyle: "short", timeStyle: "short" }),
  ];
  return h(
    "p",
    { class: "embed-footer" },
    small(body.footer?.icon_url),
    parts.filter(Boolean).join(" • "),
  );
}

function linked(text, address) {
  if (!isWeb(address)) return h("span", {}, text);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}

export function isWeb(address) {
  return /^https?:\/\//i.test(address ?? "");
}

export function colour(number) {
  return `#${Number(number).toString(16).padStart(6, "0")}`;
}

export function picture(address, kind, about = "") {
  if (!isWeb(address)) return null;
  const image = h("img", {
    src: address,
    alt: about,
    class: kind,
    loading: "lazy",
    referrerpolicy: "no-referrer",
  });
  image.addEventListener("error", () => image.remove());
  return image;
}

function small(address) {
  return picture(address, "small-picture");
}

export function attachment(body) {
  const type = body.content_type ?? "";
  if (type.startsWith("image/") && type !== "image/svg+xml") {
    return picture(body.url, "attachment", body.description ?? body.filename);
  }
  if (type.startsWith("audio/")) {
    return h("audio", { class: "attachment", src: body.url, controls: true, preload: "none" });
  }
  const size = body.size < 1024 ? `${body.size} B` : `${Math.round(body.size / 1024)} kB`;
  const name = h(
    "a",
    { href: body.url, target: "_blank", rel: "noopener noreferrer" },
    body.filename,
  );
  return h(
    "p",
    { class: "attachment file" },
    icon("file"),
    name,
    h("span", { class: "faint" }, size),
  );
}
