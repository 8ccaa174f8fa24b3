// Plots without a library: time against a number, both logarithmic, for a page that may be light or dark.

const WIDTH = 820;
const HEIGHT = 440;
const AREA = { left: 64, right: 596, top: 64, bottom: 384 };
const LABEL_GAP = 17;

const LIGHT = {
  paper: '#ffffff',
  ink: '#1f2328',
  faint: '#59636e',
  line: '#d9dee3',
  series: ['#0a7d5a', '#0969da', '#cf222e', '#9a5b00', '#6e5494', '#57606a'],
};
const DARK = {
  paper: '#0d1117',
  ink: '#e6edf3',
  faint: '#9198a1',
  line: '#2b323b',
  series: ['#3ddc97', '#58a6ff', '#ff7b72', '#e3b341', '#bc8cff', '#9198a1'],
};
const COLOURS = LIGHT.series.length;
/** Dashes too, so that colour is not all that tells the curves apart. */
const DASHES = ['', '', '7 4', '2 4', '9 3 2 3', '4 3'];

/** Classes and no variables of CSS, which many viewers of SVG do not know. */
function colours({ paper, ink, faint, line, series }) {
  const each = series.map(
    (colour, index) => `.c${index} { stroke: ${colour}; } .d${index}, .n${index} { fill: ${colour}; }`,
  );
  return [
    `.paper { fill: ${paper}; } text { fill: ${faint}; } .title { fill: ${ink}; } .grid { stroke: ${line}; }`,
    ...each,
    `.open { fill: ${paper}; }`,
  ].join('\n');
}

const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
.title { font-size: 17px; font-weight: 600; }
.name { font-weight: 600; }
.grid { fill: none; stroke-width: 1; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.ours { stroke-width: 3.5; }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
`;

export function escapeXml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Words for a time on an axis. */
export function timeText(seconds) {
  if (seconds >= 3600) return `${Number((seconds / 3600).toPrecision(2))} h`;
  if (seconds >= 60) return `${Number((seconds / 60).toPrecision(2))} min`;
  return seconds >= 1 ? `${Number(seconds.toPrecision(2))} s` : `${Number((seconds * 1000).toPrecision(2))} ms`;
}

/** The marks of a logarithmic axis of times from one value to another: people count in minutes, not in hundreds of seconds. */
export function timeMarks(from, to) {
  const within = (marks) => marks.filter((mark) => mark >= from && mark <= to);
  const few = within([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 36_000]);
  return few.length > 3
    ? few
    : within([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600]);
}

/** Moves labels apart that would stand upon each other, keeping their order; each is `{ y }`. Returns new places in the order given. */
export function spreadLabels(labels, gap, top, bottom) {
  const order = labels.map((_, index) => index).sort((a, b) => labels[a].y - labels[b].y);
  const places = labels.map(({ y }) => y);
  let least = top;
  for (const index of order) {
    places[index] = Math.max(places[index], least);
    least = places[index] + gap;
  }
  let most = bottom;
  for (const index of order.toReversed()) {
    places[index] = Math.min(places[index], most);
    most = places[index] - gap;
  }
  return places;
}

/** A logarithmic scale; what is below `least` stands where `least` does. */
function scale(least, most, from, to) {
  const [low, high] = [Math.log(least), Math.log(most)];
  return (value) => from + ((Math.log(Math.max(value, least)) - low) / (high - low || 1)) * (to - from);
}

/**
 * @param plot `title`, `subtitle`, `xTitle`, `xText(x)` for the marks, and `series`: `{ name, ours, points: [{ x, seconds, timedOut }] }`
 * @returns the text of an SVG file
 */
export function linePlot({ title, subtitle, xTitle, xText, series }) {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new Error(`${title}: there is nothing to draw`);
  const marks = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const positive = marks.filter((x) => x > 0);
  // Zero has no place on such an axis: it stands one step before the first mark.
  const least = marks[0] === 0 ? (positive[0] ?? 1) / 2.5 : marks[0];
  const x = scale(least, marks.at(-1), AREA.left, AREA.right);
  const times = points.map(({ seconds }) => seconds);
  const [fastest, slowest] = [Math.min(...times) / 1.4, Math.max(...times) * 1.4];
  const y = scale(fastest, slowest, AREA.bottom, AREA.top);
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" class="paper"/>`,
    `<text class="title" x="20" y="30">${escapeXml(title)}</text>`,
    `<text x="20" y="49">${escapeXml(subtitle)}</text>`,
  ];
  for (const mark of timeMarks(fastest, slowest)) {
    const at = y(mark).toFixed(1);
    parts.push(`<line class="grid" x1="${AREA.left}" x2="${AREA.right}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="${AREA.left - 8}" y="${(y(mark) + 4).toFixed(1)}" text-anchor="end">${timeText(mark)}</text>`);
  }
  for (const mark of marks) {
    const at = x(mark).toFixed(1);
    parts.push(`<line class="grid" x1="${at}" x2="${at}" y1="${AREA.bottom}" y2="${AREA.bottom + 5}"/>`);
    parts.push(`<text x="${at}" y="${AREA.bottom + 21}" text-anchor="middle">${escapeXml(xText(mark))}</text>`);
  }
  const middle = (AREA.left + AREA.right) / 2;
  parts.push(`<text x="${middle}" y="${AREA.bottom + 43}" text-anchor="middle">${escapeXml(xTitle)}</text>`);
  parts.push(...curves(series, x, y));
  const label = `${title}: ${series.map(({ name }) => name).join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(label)}">`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function curves(series, x, y) {
  const sorted = series.map((one) => ({ ...one, points: [...one.points].sort((a, b) => a.x - b.x) }));
  const drawn = sorted.filter(({ points }) => points.length > 0);
  const ends = drawn.map(({ points }) => ({ y: y(points.at(-1).seconds) }));
  const places = spreadLabels(ends, LABEL_GAP, AREA.top, AREA.bottom);
  // Ours last, so that they lie on top.
  const order = drawn.map((_, index) => index).sort((a, b) => Number(drawn[a].ours) - Number(drawn[b].ours));
  return order.flatMap((index) => {
    const { name, ours, points } = drawn[index];
    const colour = index % COLOURS;
    const at = points.map((point) => `${x(point.x).toFixed(1)},${y(point.seconds).toFixed(1)}`);
    const last = points.at(-1);
    const [endX, endY] = [x(last.x), y(last.seconds)];
    const dash = DASHES[colour] === '' ? '' : ` stroke-dasharray="${DASHES[colour]}"`;
    const words = `${name}  ${last.timedOut ? '> ' : ''}${timeText(last.seconds)}`;
    return [
      `<polyline class="curve c${colour}${ours ? ' ours' : ''}"${dash} points="${at.join(' ')}"/>`,
      ...points.map(
        (point) =>
          `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.seconds).toFixed(1)}" r="${ours ? 4 : 3}" class="c${colour} ${point.timedOut ? 'open' : `d${colour}`}"/>`,
      ),
      `<path d="M${endX + 5} ${endY.toFixed(1)} L${endX + 13} ${places[index].toFixed(1)}" class="grid"/>`,
      `<text class="name n${colour}" x="${endX + 16}" y="${(places[index] + 4).toFixed(1)}">${escapeXml(words)}</text>`,
    ];
  });
}
