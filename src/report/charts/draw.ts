/** From a specification to SVG and PNG, with our own font and no access to files or networks. */
import { createRequire } from 'node:module';
import { withDensity } from './density.ts';
import { FONT } from './theme.ts';

export const DPI = 300;
/** CSS pixels an inch: what a width in a specification is counted in. */
const CSS_DPI = 96;

/** What no XML may hold, or no font shows: names in a checkpoint are a stranger's. */
const UNPRINTABLE = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu;

type Vega = typeof import('vega');
type VegaLite = typeof import('vega-lite');

let loaded: Promise<{ vega: Vega; lite: VegaLite }> | undefined;

/** Half a second of parsing, so only when something is drawn. */
function libraries(): Promise<{ vega: Vega; lite: VegaLite }> {
  loaded ??= (async () => {
    const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]);
    return { vega, lite };
  })();
  return loaded;
}

/** `spec`: Vega-Lite. Throws what Vega throws for one that it cannot draw. */
export async function drawSvg(spec: Readonly<Record<string, unknown>>): Promise<string> {
  const { vega, lite } = await libraries();
  const compiled = lite.compile(spec as unknown as Parameters<VegaLite['compile']>[0], {
    logger: silent(vega),
  }).spec;
  // The default loader reads files and addresses that a specification names: ours has its data.
  const denied = async (): Promise<never> => {
    throw new Error('a chart reads nothing but its own data');
  };
  const loader = { load: denied, sanitize: denied, http: denied, file: denied, options: {} };
  const runtime = vega.parse(compiled);
  const view = new vega.View(runtime, {
    renderer: 'none',
    loader: loader as unknown as ReturnType<Vega['loader']>,
    logger: silent(vega),
  });
  try {
    return (await view.toSVG()).replaceAll(UNPRINTABLE, '\ufffd');
  } finally {
    view.finalize();
  }
}

function silent(vega: Vega): ReturnType<Vega['logger']> {
  return vega.logger(vega.None);
}

/** 300 dots an inch, and the file says so. Rendered beside the main thread, encoded on it. */
export async function drawPng(svg: string): Promise<Uint8Array> {
  const { renderAsync } = await import('@resvg/resvg-js');
  const image = await renderAsync(svg, {
    fitTo: { mode: 'zoom', value: DPI / CSS_DPI },
    background: 'white',
    font: {
      loadSystemFonts: false,
      fontFiles: fontFiles(),
      defaultFontFamily: FONT,
      sansSerifFamily: FONT,
    },
  });
  return withDensity(image.asPng(), DPI);
}

/** Without fonts resvg draws no text at all, silently. */
function fontFiles(): string[] {
  const { resolve } = createRequire(import.meta.url);
  return ['DejaVuSans', 'DejaVuSans-Bold'].map((name) =>
    resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`),
  );
}
