// Whom does a cell look at? The reader chooses a cell by pressing on a picture or with two sliders;
// its query times every cell's key is shown for each network, in units of its mean size.
document.querySelectorAll(".explorer").forEach((explorer) => {
  const part = (name) => explorer.querySelector(`.explorer-${name}`);
  const known = JSON.parse(explorer.querySelector("script").textContent);
  const [level, across, down] = ["level", "across", "down"].map(part);
  const views = [...explorer.querySelectorAll(".explorer-view")];
  const bytes = (text) => Int8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  known.levels.forEach((one) => {
    level.append(new Option(one.name));
    one.networks.forEach((network) => {
      [network.query, network.key] = [bytes(network.query), bytes(network.key)];
    });
  });
  const point = [...known.point]; // as shares of the image's sides

  // As an array of the level's cells, row by row.
  const affinity = (one, network, cell) => {
    const cells = one.rows * one.columns;
    const products = new Float64Array(cells);
    network.weights.forEach((weight, channel) => {
      const factor = weight * network.query[channel * cells + cell];
      for (let at = 0; at < cells; at++) products[at] += factor * network.key[channel * cells + at];
    });
    const size = products.reduce((sum, value) => sum + Math.abs(value), 0) / cells;
    return size > 0 ? products.map((value) => value / size) : products;
  };
  const correlation = (one, other) => {
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [one, other].map((values) => values.map((value) => value - mean(values)));
    const dot = (left, right) => left.reduce((sum, value, at) => sum + value * right[at], 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const colours = known.colours.map((hex) =>
    [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16)));
  const colour = (value) => {
    const place = (Math.max(-1, Math.min(1, value / known.top)) / 2 + 0.5) * (colours.length - 1);
    const low = Math.min(Math.floor(place), colours.length - 2);
    return colours[low].map((start, k) => start + (place - low) * (colours[low + 1][k] - start));
  };
  const place = (element, left, top, width, height) => {
    Object.assign(element.style, {
      left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%`,
    });
  };

  const draw = () => {
    const one = known.levels[level.selectedIndex];
    const cellOf = (share, sides, count) => Math.min(Math.floor(share * sides), count - 1);
    const [column, row] = [
      cellOf(point[0], one.across, one.columns), cellOf(point[1], one.down, one.rows),
    ];
    for (const [slider, at, count] of [[across, column, one.columns], [down, row, one.rows]]) {
      slider.max = count;
      slider.value = at + 1;
      slider.setAttribute("aria-valuetext", `${at + 1} of ${count}`);
    }
    const maps = one.networks.map((network) => affinity(one, network, row * one.columns + column));
    views.forEach((view, number) => {
      place(view.querySelector(".explorer-cell"),
        column / one.across, row / one.down, 1 / one.across, 1 / one.down);
      if (number === 0) return;
      const canvas = view.querySelector("canvas");
      [canvas.width, canvas.height] = [one.columns, one.rows];
      place(canvas, 0, 0, one.columns / one.across, one.rows / one.down);
      const pixels = new ImageData(one.columns, one.rows);
      maps[number - 1].forEach((value, at) => pixels.data.set([...colour(value), 255], 4 * at));
      canvas.getContext("2d").putImageData(pixels, 0, 0);
    });
    const number = (value, digits) => value.toFixed(digits).replace(/^-(?=.*[1-9])/, "\u2212").replace("-", "");
    const told = one.networks.map((network, index) => {
      const values = maps[index];
      const most = values.indexOf(Math.max(...values));
      const own = values[row * one.columns + column];
      return `the ${network.name}'s is highest at column ${1 + (most % one.columns)}, row ` +
        `${1 + Math.floor(most / one.columns)} (${number(values[most], 1)}) and ${number(own, 1)} to itself`;
    });
    const alike = correlation(maps[0], maps[1]);
    part("told").textContent = `${one.name}, column ${column + 1} of ${one.columns}, row ${row + 1} of ` +
      `${one.rows}: ${told.join("; ")}. ` +
      (Number.isFinite(alike) ? `The two maps correlate by ${number(alike, 2)}.` : "");
  };

  views.forEach((view, number) => {
    const picture = view.querySelector("img");
    picture.src = known.picture;
    [picture.width, picture.height] = known.sides;
    known.boxes.forEach((box) => {
      const frame = document.createElement("div");
      frame.className = "explorer-box";
      place(frame, ...box);
      view.append(frame);
    });
    view.addEventListener("click", (event) => {
      const edge = view.getBoundingClientRect();
      point[0] = Math.max(0, Math.min(1, (event.clientX - edge.left) / edge.width));
      point[1] = Math.max(0, Math.min(1, (event.clientY - edge.top) / edge.height));
      draw();
    });
  });
  across.addEventListener("input", () => {
    point[0] = (across.value - 0.5) / known.levels[level.selectedIndex].across;
    draw();
  });
  down.addEventListener("input", () => {
    point[1] = (down.value - 0.5) / known.levels[level.selectedIndex].down;
    draw();
  });
  level.addEventListener("change", draw);
  part("scale").querySelector("span[role]").style.background =
    `linear-gradient(to right, ${known.colours.join(",")})`;
  explorer.hidden = false;
  draw();
});
