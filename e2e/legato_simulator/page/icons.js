// The page's drawings: one path each, on a grid of 24.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  hash: "M9.500 4 7.500 20M16.500 4l-2 16M4.500 9h16M3.500 15h16",
  speaker:
    "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a7.500 7.500 0 0 1 0 11",
  quiet: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM16 9.500l5 5M21 9.500l-5 5",
  stage: "M5 20h14M12 20v-5M7.500 11a4.500 4.500 0 1 1 9 0M4.500 12.500a8 8 0 1 1 15 0",
  menu: "M4 7h16M4 12h16M4 17h16",
  people:
    "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c0-3.500 3-5.500 6.500-5.500s6.500 2 6.500 5.500M16 4.800a3.300 3.300 0 0 1 0 6.400M18 14.300c2.200.7 3.500 2.500 3.500 5.200",
  send: "M4 12h15M13 6l6 6-6 6",
  leave:
    "M14 5H6.500A1.500 1.500 0 0 0 5 6.500v11A1.500 1.500 0 0 0 6.500 19H14M11 12h9M16.500 8.500 20 12l-3.500 3.500",
  cross: "M6 6l12 12M18 6 6 18",
  check: "M5 12.500l4.500 4.500L19 7.500",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  down: "M6 9.500l6 6 6-6",
  plus: "M12 5v14M5 12h14",
  muted:
    "M9 9V6.500a3 3 0 0 1 6 0V11M15 15a3 3 0 0 1-6-1.500M6 11.500a6 6 0 0 0 9 5.200M12 18v3M18 11.500a6 6 0 0 1-.5 2.300M4 4l16 16",
  deaf: "M5 16v-3.500a7 7 0 0 1 11-5.700M19 10.500V16M5 14.500h2.500v5H6A1 1 0 0 1 5 18.500zM19 14.500h-2M4 4l16 16",
  reply: "M4 19v-4a4 4 0 0 1 4-4h12M16 7l4 4-4 4",
  file: "M7 3.500h7l4 4v13H7zM14 3.500v4h4",
  out: "M10 6H6.500A1.500 1.500 0 0 0 5 7.500v10A1.500 1.500 0 0 0 6.500 19h10a1.500 1.500 0 0 0 1.500-1.500V14M14 5h5v5M19 5l-8 8",
};

export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}
