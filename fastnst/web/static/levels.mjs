// Painting from coarse to fine, as fastnst's runtime/engine/levels.py has it: sizes of the levels, the ground, and the
// bicubic resampling by which Pillow makes photos smaller and canvases larger. Pixels are RGBA; alpha stays behind.
const GRAINS = [8, 24];
const GROUND_CONTRAST = 0.65;
const REDUCING_GAP = 1.2;

/** The nearest whole number, and of two the even one, as Python rounds. */
function rounded(value) {
  const lower = Math.floor(value), rest = value - lower;
  return rest < 0.5 || (rest === 0.5 && lower % 2 === 0) ? lower : lower + 1;
}

/** Heights and widths that a picture is painted at, from coarse to fine. */
export function levelSizes(height, width, base) {
  const factor = base / Math.sqrt(height * width), steps = Math.max(0, rounded(-Math.log2(factor)));
  const sizes = Array.from({ length: steps }, (_, step) => factor ** (1 - step / steps))
    .map((scale) => [height, width].map((side) => Math.max(1, rounded(side * scale))));
  return [...sizes, [height, width]];
}

/** Bytes that depend on their place alone. */
function hashed(count, seed) {
  const bytes = new Uint8Array(count), first = Math.imul(seed, 0x9e3779b9);
  for (let place = 0; place < count; place++) {
    let x = (first + place) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    bytes[place] = (x ^ (x >>> 16)) >>> 24;
  }
  return bytes;
}

let lastGround = {};

/** The ground under the coarsest level. */
export function ground(height, width) {
  if (lastGround.height === height && lastGround.width === width) return lastGround.pixels;
  const total = new Float32Array(4 * height * width).fill(127.5);
  GRAINS.forEach((grain, number) => {
    const [rows, columns] = [height, width].map((side) => Math.max(1, rounded(side / grain)));
    const values = hashed(3 * rows * columns, number), wide = columns + 4;
    const around = new Uint8ClampedArray(4 * (rows + 4) * wide);
    for (let y = 0, to = 0; y < rows + 4; y++) {
      const line = ((y + 2 * rows - 2) % rows) * columns;
      for (let x = 0; x < wide; x++, to += 4) {
        const from = 3 * (line + ((x + 2 * columns - 2) % columns));
        for (let c = 0; c < 3; c++) around[to + c] = values[from + c];
      }
    }
    const box = { left: 2, top: 2, right: 2 + columns, bottom: 2 + rows };
    const smooth = resampled(around, wide, rows + 4, width, height, box);
    for (let k = 0; k < total.length; k++) total[k] += GROUND_CONTRAST * (smooth[k] - 127.5);
  });
  lastGround = { height, width, pixels: Uint8ClampedArray.from(total) };
  return lastGround.pixels;
}

/** Pixels at another size; the same ones where they have it. */
export function resized(pixels, width, height, toWidth, toHeight) {
  if (width === toWidth && height === toHeight) return pixels;
  const across = Math.max(1, Math.trunc(width / toWidth / REDUCING_GAP));
  const down = Math.max(1, Math.trunc(height / toHeight / REDUCING_GAP));
  const box = { left: 0, top: 0, right: width / across, bottom: height / down };
  if (across > 1 || down > 1) {
    pixels = means(pixels, width, height, across, down);
    [width, height] = [Math.ceil(width / across), Math.ceil(height / down)];
  }
  return resampled(pixels, width, height, toWidth, toHeight, box);
}

/** Means of blocks of pixels, rounded as Pillow rounds; those at the right and the bottom may be narrower. */
function means(pixels, width, height, across, down) {
  const columns = Math.ceil(width / across), rows = Math.ceil(height / down);
  const result = new Uint8ClampedArray(4 * columns * rows);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, to += 4) {
      const right = Math.min(width, (column + 1) * across), bottom = Math.min(height, (row + 1) * down);
      const sums = [0, 0, 0];
      for (let y = row * down; y < bottom; y++) {
        for (let x = column * across; x < right; x++) for (let c = 0; c < 3; c++) sums[c] += pixels[4 * (y * width + x) + c];
      }
      const count = (right - column * across) * (bottom - row * down), part = Math.floor(2 ** 24 / count);
      for (let c = 0; c < 3; c++) result[to + c] = Math.floor(((sums[c] + (count >> 1)) * part) / 2 ** 24);
    }
  }
  return result;
}

function bicubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** For each pixel of a row that becomes `size` pixels: the first that it is made of, and the share of each. */
function shares(length, start, end, size) {
  const scale = (end - start) / size, wide = Math.max(1, scale), support = 2 * wide;
  return Array.from({ length: size }, (_, to) => {
    const center = start + (to + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const last = Math.min(length, Math.trunc(center + support + 0.5));
    const values = Float32Array.from({ length: last - first }, (_, k) => bicubic((first + k - center + 0.5) / wide));
    const total = values.reduce((sum, value) => sum + value, 0);
    return [first, values.map((value) => value / total)];
  });
}

/** Part of a picture at another size: along the rows, rounded, then along the columns. */
function resampled(pixels, width, height, toWidth, toHeight, { left, top, right, bottom }) {
  const across = shares(width, left, right, toWidth), down = shares(height, top, bottom, toHeight);
  const rows = new Uint8ClampedArray(4 * toWidth * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++, to += 4) {
      const [first, values] = across[x];
      let from = 4 * (y * width + first), r = 0, g = 0, b = 0;
      for (let k = 0; k < values.length; k++, from += 4) {
        const share = values[k];
        r += share * pixels[from];
        g += share * pixels[from + 1];
        b += share * pixels[from + 2];
      }
      rows[to] = r;
      rows[to + 1] = g;
      rows[to + 2] = b;
    }
  }
  const result = new Uint8ClampedArray(4 * toWidth * toHeight), sums = new Float32Array(4 * toWidth);
  for (let y = 0; y < toHeight; y++) {
    const [first, values] = down[y];
    sums.fill(0);
    for (let k = 0; k < values.length; k++) {
      const share = values[k], from = 4 * toWidth * (first + k);
      for (let x = 0; x < sums.length; x++) sums[x] += share * rows[from + x];
    }
    result.set(sums, 4 * toWidth * y);
  }
  return result;
}
