// Runs in the page before its own script, and observes it: pictures, the code in them, violations of its policy.
globalThis.probe = (() => {
  const probe = { pictures: 0, first: null, last: null, ages: null, buffered: 0 };
  let clock = 0;

  addEventListener("securitypolicyviolation", (event) => {
    // Firefox does not report it otherwise.
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
  });

  // src/media/draw/code.rs: 48 cells in 3 rows of 16, at the bottom in the middle.
  const down = (n) => Math.floor(n / 4) * 4;
  const CELL = 8;
  const canvas = document.createElement("canvas");
  canvas.width = 16 * CELL;
  canvas.height = 3 * CELL;
  const pen = canvas.getContext("2d", { willReadFrequently: true });

  // The low 32 bits of the clock in the shown picture, in milliseconds; null without a code.
  probe.code = (video = probe.video()) => {
    if (!video.videoWidth) return null;
    const [w, h] = [video.videoWidth, video.videoHeight];
    const [cw, ch] = [Math.max(down(w / 16), 4), Math.max(down(h / 30), 4)];
    const [x, y] = [down((w - 16 * cw) / 2), down(h - 3 * ch)];
    pen.drawImage(video, x, y, 16 * cw, 3 * ch, 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const bits = [];
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 16; column++) {
        const at = ((row * CELL + CELL / 2) * canvas.width + column * CELL + CELL / 2) * 4;
        bits.push(data[at + 1] > 124 ? 1 : 0);
      }
    }
    const number = (from, to) => bits.slice(from, to).reduce((sum, bit) => sum * 2 + bit, 0);
    const clockMs = number(8, 40);
    let sum = 0xff;
    for (const shift of [24, 16, 8, 0]) {
      sum ^= (clockMs >>> shift) & 0xff;
      for (let bit = 0; bit < 8; bit++) sum = (sum & 0x80 ? (sum << 1) ^ 0x07 : sum << 1) & 0xff;
    }
    return number(0, 8) === 0b10110010 && number(40, 48) === sum ? clockMs : null;
  };

  // Begins to collect the ages of pictures. `offset` is the wall clock minus the monotonic clock, in milliseconds.
  probe.measure = (offset) => {
    clock = offset;
    probe.ages = [];
  };

  const watch = (video) => {
    const seen = () => {
      const now = performance.now();
      probe.pictures += 1;
      probe.first ??= now;
      probe.last = now;
      if (probe.ages) {
        const code = probe.code(video);
        if (code !== null) probe.ages.push((performance.timeOrigin + now - clock - code) % 2 ** 32);
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
    setInterval(() => {
      const ranges = video.buffered;
      if (ranges.length) probe.buffered = Math.max(probe.buffered, ranges.end(ranges.length - 1) - ranges.start(0));
    }, 200);
  };
  // The page may replace its element, and it is not there yet.
  const known = new WeakSet();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) {
      if (!known.has(video)) {
        known.add(video);
        watch(video);
      }
    }
  }).observe(document, { childList: true, subtree: true });

  probe.video = () => document.querySelector("video");
  probe.quality = () => {
    const quality = probe.video().getVideoPlaybackQuality();
    return { total: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, at: performance.now() };
  };
  // A number that changes with what a canvas shows.
  probe.sum = (selector) => {
    // By way of a canvas of the probe's: Chromium warns of reading one that is not made for it.
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(document.querySelector(selector), 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, byte) => (sum * 31 + byte) % 2147483647, 7);
  };
  // The inputs that have this label.
  const labelled = (label, kind) => {
    const name = (input) => input.getAttribute("aria-label") ?? input.labels?.[0]?.textContent ?? "";
    return [...document.querySelectorAll(`input[type=${kind}]`)].find((input) => name(input).startsWith(label));
  };
  probe.slider = (label) => labelled(label, "range");
  probe.number = (label) => labelled(label, "number");
  probe.state = () => document.querySelector('[role="status"]').innerText.trim().split(/\n+/).join(": ");
  // A point in an element, by the parts of its width and height that are left and above.
  probe.point = (element, across = 0.5, along = 0.5) => {
    element.scrollIntoView({ block: "center" });
    const box = element.getBoundingClientRect();
    return [box.x + box.width * across, box.y + box.height * along];
  };
  // Has the next Tab lead to the first place of the page.
  probe.toTop = () => {
    const top = document.createElement("span");
    top.tabIndex = -1;
    document.body.prepend(top);
    top.focus();
    top.addEventListener("blur", () => setTimeout(() => top.remove()));
  };
  // What has the focus, and whether that is to be seen.
  probe.focus = () => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const style = getComputedStyle(element);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return {
      name: (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.innerText ?? "").trim(),
      kind: `${element.localName} ${element.type ?? ""}`.trim(),
      shown: outlined || style.boxShadow !== "none",
      inside: element.getBoundingClientRect().right <= innerWidth,
    };
  };
  return probe;
})();
