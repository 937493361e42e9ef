"use strict";

// What a campaign can be asked to do from its page, and why a trial was tried.
// The service answers only its own pages: every request carries this page's origin, which the guard compares.

(() => {
  const page = document.getElementById("campaign");
  const base = "/api/v1/campaigns/" + encodeURIComponent(page.dataset.name);
  const said = document.getElementById("said");
  const buttons = [...document.querySelectorAll("#actions button")];
  const OVER = new Set(["finished", "cancelled"]);

  const possible = {
    pause: (status) => ["created", "running"].includes(status.state) && status.request === null,
    resume: (status) => ["created", "paused", "failed"].includes(status.state)
      || (status.state === "running" && status.driver === null),
    cancel: (status) => !OVER.has(status.state) && status.request !== "cancel",
    extend: (status) => status.state !== "cancelled",
  };

  document.addEventListener("status", ({ detail }) => {
    for (const button of buttons) button.disabled = !possible[button.value](detail);
    document.getElementById("notes").replaceChildren(...notes(detail));
  });

  function notes(status) {
    const lines = [];
    if (status.request !== null) lines.push(`asked to ${status.request}; running trials end first`);
    if (status.stop_reason !== null) lines.push(`stopped early: ${status.stop_reason}`);
    const kept = Object.entries(status.narrowed).map(([name, part]) => `${name} ${shown(part)}`);
    if (kept.length > 0) lines.push(`proposals are narrowed to ${kept.join(", ")}`);
    return lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    });
  }

  const shown = (part) => ("values" in part ? part.values.join(" or ") : `${part.low} to ${part.high}`);

  async function send(path, options) {
    const answer = await fetch(base + path, { ...options, headers: { accept: "application/json" } });
    if (answer.status === 401) window.location.assign("/login");
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error.message);
    return body;
  }

  document.getElementById("actions").addEventListener("submit", async (event) => {
    event.preventDefault();
    const what = event.submitter.value;
    if (what === "cancel" && !window.confirm("Cancel this campaign for good? What was found stays.")) return;
    const query = what === "extend" ? `?trials=${Number(document.getElementById("more").value)}` : "";
    try {
      said.textContent = (await send(`/${what}${query}`, { method: "POST" })).message;
    } catch (error) {
      said.textContent = error.message;
    }
  });

  document.getElementById("designs").addEventListener("click", async (event) => {
    if (!(event.target instanceof HTMLButtonElement)) return;
    const text = document.getElementById("why");
    try {
      text.textContent = (await send(`/trials/${event.target.value}/why`, {})).text.join("\n");
    } catch (error) {
      text.textContent = error.message;
    }
    text.hidden = false;
  });
})();
