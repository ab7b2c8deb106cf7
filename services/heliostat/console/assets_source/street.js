// The street's chart: calls per second at each provider, one band on the other, over the last two minutes.
(() => {
  "use strict";
  const place = document.getElementById("pulse");
  const legend = document.getElementById("pulse-legend");
  if (!place) return;
  const height = 96;
  let told = JSON.parse(place.dataset.told);
  let chart = null;
  let drawn = "";

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const band = (number) => color(`--band-${(number % 6) + 1}`);

  // Each band is drawn from the ground up over the one above it: the sums, the highest first.
  const stacked = (bands) => {
    const sums = [];
    for (const values of bands) {
      const below = sums[sums.length - 1];
      sums.push(values.map((value, index) => value + (below ? below[index] : 0)));
    }
    return sums.reverse();
  };

  const draw = () => {
    const names = Object.keys(told.bands);
    legend.textContent = names.length ? "" : "No call in the last two minutes.";
    names.forEach((name, number) => {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = "swatch";
      swatch.style.background = band(number);
      const label = document.createElement("bdi");
      label.textContent = name.slice(0, 40);
      const count = document.createElement("b");
      count.textContent = told.bands[name].reduce((sum, value) => sum + value, 0);
      entry.append(swatch, label, " ", count);
      legend.append(entry);
    });
    place.hidden = !names.length;
    if (!names.length) return;
    const data = [told.seconds, ...stacked(Object.values(told.bands))];
    const look = names.join("\n") + document.documentElement.dataset.theme + matchMedia("(prefers-color-scheme: dark)").matches;
    if (chart && look === drawn) {
      chart.setData(data);
      return;
    }
    drawn = look;
    chart?.destroy();
    const quiet = color("--quiet");
    const axis = { stroke: quiet, grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const steps = window.uPlot.paths.stepped({ align: 1 });
    const series = names.map((_, number) => ({ fill: band(number), width: 0, paths: steps, points: { show: false } })).reverse();
    chart = new window.uPlot(
      {
        width: place.clientWidth,
        height,
        padding: [6, 0, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(1, Math.ceil(most))] } },
        axes: [
          { ...axis, size: 22, space: 90, incrs: [1, 2, 5, 10, 15, 30, 60], values: (_, times) => times.map((time) => new Date(time * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" })) },
          { ...axis, size: 30, space: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        ],
        series: [{}, ...series],
      },
      data,
      place,
    );
  };

  addEventListener("heliostat:pulse", (event) => {
    told = event.detail;
    draw();
  });
  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height })).observe(place.parentElement);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
