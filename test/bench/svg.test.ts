import { describe, expect, it } from 'vitest';
import { escapeXml, linePlot, spreadLabels, timeMarks, timeText } from '../../bench/report/svg.mjs';

const series = [
  { name: 'Ours & co', ours: true, points: [100, 10, 0].map((x) => ({ x, seconds: 1, timedOut: false })) },
  {
    name: 'scp',
    ours: false,
    points: [0, 10, 100].map((x) => ({ x, seconds: 1 + x, timedOut: x === 100 })),
  },
  { name: 'nobody', ours: false, points: [] },
];
const plot = { title: 'A <title>', subtitle: 'below', xTitle: 'round trip', xText: (x: number) => `${x} ms`, series };

function numbers(svg: string, expression: RegExp): number[][] {
  return [...svg.matchAll(expression)].map(([, list = '']) => list.split(/[ ,]/).map(Number));
}

describe('a plot', () => {
  it('has a curve for each that was measured, from left to right', () => {
    const curves = numbers(linePlot(plot), /<polyline [^>]*points="([^"]+)"/g);
    expect(curves).toHaveLength(2);
    for (const curve of curves) {
      const xs = curve.filter((_, index) => index % 2 === 0);
      expect(xs).toEqual([...xs].sort((a, b) => a - b));
      expect(xs).toHaveLength(3);
      expect(curve.every(Number.isFinite)).toBe(true);
    }
  });

  it('draws what takes longer higher, and the same ratio by the same distance', () => {
    const points = [1, 10, 100].map((seconds, index) => ({ x: index + 1, seconds, timedOut: false }));
    const [curve = []] = numbers(
      linePlot({ ...plot, series: [{ name: 'a', ours: false, points }] }),
      /<polyline [^>]*points="([^"]+)"/g,
    );
    const ys = curve.filter((_, index) => index % 2 === 1);
    expect(ys[0]! - ys[1]!).toBeCloseTo(ys[1]! - ys[2]!, 0);
    expect(ys[0]).toBeGreaterThan(ys[2]!);
  });

  it('says what is on it, and marks what was ended', () => {
    const svg = linePlot(plot);
    expect(svg).toContain('aria-label="A &#60;title&#62;: Ours &#38; co, scp, nobody"');
    expect(svg).toContain('>10 ms</text>');
    expect(svg).toContain('scp  &#62; 1.7 min'.replace('1.7 min', timeText(101)));
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has colours for light and dark pages, and no others', () => {
    const svg = linePlot(plot);
    const [, style = '', drawing = ''] = /<style>([\s\S]*)<\/style>([\s\S]*)/.exec(svg) ?? [];
    const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
    const coloured = (text: string) =>
      new Set([...text.matchAll(/([.\w, ]+) { (?:fill|stroke): #/g)].map(([, name]) => name));
    expect(coloured(dark).size).toBeGreaterThan(10);
    expect(coloured(dark)).toEqual(coloured(light));
    expect(drawing).not.toMatch(/#[0-9a-f]{6}|style=/);
    for (const [, names = ''] of drawing.matchAll(/class="([^"]+)"/g))
      for (const name of names.split(' ')) expect(style).toContain(`.${name} `.replace(/^\.(d\d) $/, '.$1,'));
  });

  it('draws one point, and refuses to draw none', () => {
    const points = [{ x: 5, seconds: 2, timedOut: false }];
    expect(linePlot({ ...plot, series: [{ name: 'a', ours: true, points }] })).not.toContain('NaN');
    expect(() => linePlot({ ...plot, series: [] })).toThrow('there is nothing to draw');
  });
});

describe('labels', () => {
  it('stand apart, in their order, within the area', () => {
    const places = spreadLabels([{ y: 100 }, { y: 101 }, { y: 20 }, { y: 102 }], 15, 0, 120);
    expect(places).toEqual([90, 105, 20, 120]);
  });

  it('stay where they are when there is room', () => {
    expect(spreadLabels([{ y: 10 }, { y: 50 }], 15, 0, 100)).toEqual([10, 50]);
  });

  it('are escaped', () => {
    expect(escapeXml(`<&>"'`)).toBe('&#60;&#38;&#62;&#34;&#39;');
  });
});

describe('times', () => {
  it('are told as people tell them', () => {
    expect([0.05, 0.3, 1, 3.123, 59, 60, 90, 600, 7200].map(timeText)).toEqual([
      '50 ms',
      '300 ms',
      '1 s',
      '3.1 s',
      '59 s',
      '1 min',
      '1.5 min',
      '10 min',
      '2 h',
    ]);
  });

  it('have marks between the first and the last', () => {
    expect(timeMarks(0.2, 70)).toEqual([0.3, 1, 3, 10, 30, 60]);
    expect(timeMarks(0.4, 6)).toEqual([0.5, 1, 2, 5]);
  });
});
