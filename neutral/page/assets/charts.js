// Charts as SVG at the size of their place, so that text is never scaled.

/** The distribution of a tensor's finite elements between its least and its greatest. */
function histogram(counts, least, greatest) {
  const width = 280, height = 64, gap = counts.length > 1 ? 1 : 0;
  const highest = Math.max(...counts, 1);
  const step = width / counts.length;
  const bars = counts.map((count, number) => {
    const tall = count ? Math.max((count / highest) * height, 1) : 0;
    const low = least + ((greatest - least) * number) / counts.length;
    const high = least + ((greatest - least) * (number + 1)) / counts.length;
    const title = `${numberText(low)} to ${numberText(high)}: ${grouped(count)}`;
    return drawing("rect", { x: number * step, y: height - tall, width: step - gap, height: tall }, drawing("title", {}, title));
  });
  const label = `Histogram from ${numberText(least)} to ${numberText(greatest)}`;
  const picture = drawing("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, bars);
  return element("figure", {}, picture, element("figcaption", {}, element("span", {}, numberText(least)), element("span", {}, numberText(greatest))));
}

/** Draw errors in units of their scale, logarithmic, in the order in which the network ran, at the width of a place. */
function drawErrorChart(place, verification, select) {
  const rows = verification.rows;
  let drawn = 0;

  function draw() {
    const width = Math.max(place.clientWidth, 260);
    if (width === drawn) return;
    drawn = width;
    const height = width < 500 ? 240 : 320;
    const left = 64, right = 16, top = 28, bottom = 44;
    const errors = rows.map((row) => errorOf(row));
    const powers = errors.filter((error) => error > 0 && Number.isFinite(error)).map(Math.log10);
    const limits = [...new Set(rows.map((row) => row.tolerance))].filter((limit) => limit > 0);
    const low = Math.floor(Math.min(-8, ...powers)), high = Math.ceil(Math.max(0, ...powers, ...limits.map(Math.log10)));
    const x = (index) => left + (rows.length > 1 ? (index / (rows.length - 1)) * (width - left - right) : (width - left - right) / 2);
    const y = (error) => {
      const power = error <= 0 ? low : Number.isFinite(error) ? Math.log10(error) : high;
      return top + ((high - power) / (high - low)) * (height - top - bottom);
    };
    const parts = [];
    for (let power = high; power >= low; power -= high - low > 8 ? 2 : 1) {
      parts.push(drawing("line", { class: "grid", x1: left, x2: width - right, y1: y(10 ** power), y2: y(10 ** power) }));
      parts.push(drawing("text", { x: left - 8, y: y(10 ** power) + 4, "text-anchor": "end" }, `1e${power}`));
    }
    const shape = rows.map((row, index) => `${x(index)},${y(row.tolerance)}`).join(" ");
    parts.push(drawing("polyline", { class: "limit", points: shape }));
    parts.push(drawing("text", { class: "limit-label", x: width - right, y: y(rows[rows.length - 1].tolerance) - 6, "text-anchor": "end" }, "tolerance"));
    parts.push(drawing("polyline", { class: "trace", points: errors.map((error, index) => `${x(index)},${y(error)}`).join(" ") }));
    const first = verification.first_divergence;
    if (first !== null) {
      const side = x(first) > width * 0.6 ? "end" : "start";
      parts.push(drawing("line", { class: "first", x1: x(first), x2: x(first), y1: top - 6, y2: height - bottom }));
      parts.push(drawing("text", { class: "first-label", x: x(first) + (side === "end" ? -6 : 6), y: top - 10, "text-anchor": side }, `first: ${shortened(nameOf(rows[first]), width < 500 ? 22 : 48)}`));
    }
    const size = rows.length > 300 ? 2.5 : 4;
    rows.forEach((row, index) => {
      const title = drawing("title", {}, `${nameOf(row)}: ${errorText(errors[index])}${row.hint ? `. ${row.hint}` : ""}`);
      parts.push(drawing("circle", { class: row.ok ? "good" : "bad", cx: x(index), cy: y(errors[index]), r: row.ok ? size : size + 1, click: () => select(row) }, title));
    });
    parts.push(drawing("text", { class: "axis", x: left, y: height - 8 }, `depth: ${plural(rows.length, "comparison")} in execution order`));
    parts.push(drawing("text", { class: "axis", x: 0, y: 14 }, "error / largest magnitude"));
    place.replaceChildren(drawing("svg", { width, height, role: "img", "aria-label": "Error along depth" }, parts));
  }

  draw();
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(place);
}

/** An error in units of the scale; null stands for what is not finite. */
function errorOf(row) {
  return row.scaled_error === null ? Infinity : row.scaled_error;
}

function errorText(error) {
  return Number.isFinite(error) ? error.toExponential(2) : "not finite, or another shape";
}

function nameOf(row) {
  return row.layer ?? `output ${row.source}`;
}
