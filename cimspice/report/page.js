"use strict";
(function () {
  // A table that is cut off says so; those in a closed part when it is opened, all when the window changes.
  function mark() {
    for (const table of document.querySelectorAll(".scroll")) {
      table.classList.toggle("more", table.scrollWidth > table.clientWidth + 1);
    }
  }
  mark();
  window.addEventListener("resize", mark);
  document.addEventListener("toggle", mark, true);

  const charts = JSON.parse(document.getElementById("charts").textContent);
  const narrow = window.matchMedia("(max-width: 600px)").matches;
  const settings = {
    responsive: true, displaylogo: false, plotlyServerURL: "", displayModeBar: !narrow,
    // A list of our own: the default one may offer to send the chart to a server.
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  };

  function shared(layout) {
    const base = {
      autosize: true,
      margin: { l: narrow ? 52 : 66, r: narrow ? 8 : 18, t: narrow ? 16 : 30, b: 48 },
      font: { family: "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif", size: narrow ? 11 : 13, color: "#1b2330" },
      paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest",
      hoverlabel: { font: { size: 12 }, namelength: -1 },
      legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom", font: { size: narrow ? 10 : 12 } },
    };
    const axis = { gridcolor: "#e8ecf1", zerolinecolor: "#cfd6df", linecolor: "#9aa5b3", ticks: "outside", tickcolor: "#9aa5b3", showline: true, automargin: true, title: { standoff: 8 } };
    const merged = Object.assign({}, base, layout, { legend: Object.assign({}, base.legend, layout.legend) });
    // beside the entries it would push the last ones over a phone's edge
    if (merged.legend.title && narrow) merged.legend.title = Object.assign({ side: "top" }, merged.legend.title);
    for (const key of Object.keys(merged)) {
      if (/^[xy]axis\d*$/.test(key)) {
        merged[key] = Object.assign({}, axis, merged[key]);
        merged[key].title = Object.assign({}, axis.title, layout[key].title);
      }
    }
    return merged;
  }

  function show(number, view) {
    const chosen = charts[number][view];
    return Plotly.react("chart-" + number, chosen.data, shared(chosen.layout), settings);
  }

  const menus = {};
  for (const menu of document.querySelectorAll("select[data-chart]")) {
    menus[menu.dataset.chart] = menu;
    menu.addEventListener("change", () => show(Number(menu.dataset.chart), Number(menu.value)));
  }

  // One figure per frame: the page can be read and scrolled while the rest is drawn.
  let next = 0;
  function step() {
    if (next === charts.length) {
      document.documentElement.dataset.drawn = String(charts.length);
      return;
    }
    const menu = menus[next];
    show(next++, menu ? Number(menu.value) : 0).then(() => requestAnimationFrame(step));
  }
  step();
})();
