export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Squarified treemap (Bruls, Huizing, van Wijk 2000): one box a weight, in order, the boxes filling `area` and as square as
 * can be. Weights are positive and descending.
 */
export function treemap(weights: number[], area: Box): Box[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = (area.width * area.height) / total;
  const boxes: Box[] = [];
  let rest = { ...area };
  for (let from = 0; from < weights.length; ) {
    const side = Math.min(rest.width, rest.height);
    const row = bestRow(weights, from, side / Math.sqrt(scale));
    const taken = row.reduce((sum, weight) => sum + weight, 0) * scale;
    boxes.push(...place(row, taken, scale, rest));
    rest = without(rest, taken);
    from += row.length;
  }
  return boxes;
}

/** As many of the next weights as make the worst box of the row no worse. */
function bestRow(weights: number[], from: number, side: number): number[] {
  let row = [weights[from]!];
  for (let next = from + 1; next < weights.length; next++) {
    const longer = [...row, weights[next]!];
    if (worst(longer, side) > worst(row, side)) break;
    row = longer;
  }
  return row;
}

/** The largest aspect ratio of a row's boxes along `side`. */
function worst(row: number[], side: number): number {
  const sum = row.reduce((total, weight) => total + weight, 0);
  // `side` is in units whose square is a weight, so that the other side of a box is sum / side.
  const length = sum / side;
  return Math.max(...row.map((weight) => Math.max((length * length) / weight, weight / (length * length))));
}

function place(row: number[], taken: number, scale: number, rest: Box): Box[] {
  const across = rest.width >= rest.height;
  const depth = taken / (across ? rest.height : rest.width);
  let at = across ? rest.y : rest.x;
  return row.map((weight) => {
    const length = (weight * scale) / depth;
    const box = across ? { x: rest.x, y: at, width: depth, height: length } : { x: at, y: rest.y, width: length, height: depth };
    at += length;
    return box;
  });
}

function without(rest: Box, taken: number): Box {
  if (rest.width >= rest.height) {
    const depth = taken / rest.height;
    return { ...rest, x: rest.x + depth, width: Math.max(0, rest.width - depth) };
  }
  const depth = taken / rest.width;
  return { ...rest, y: rest.y + depth, height: Math.max(0, rest.height - depth) };
}
