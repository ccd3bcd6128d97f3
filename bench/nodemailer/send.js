// node send.js PORT COUNT CONNECTIONS LETTER: nodemailer's pool, one message to each recipient, values filled in.
const fs = require("fs");
const nodemailer = require("nodemailer");
const [port, count, connections, file] = process.argv.slice(2);
const letter = JSON.parse(fs.readFileSync(file, "utf8"));
const pool = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), pool: true, maxConnections: Number(connections), maxMessages: Infinity,
  ignoreTLS: true,
});
// Compiled once: text between the variables, and the variables.
const compile = (text) => text.split(/(VARname|VARid|VARcoupon)/);
const fill = (parts, values) => parts.map((part) => values[part] ?? part).join("");
const [subject, html, text, unsubscribe] = [letter.subject, letter.html, letter.text, letter.unsubscribe].map(compile);
let next = 0;
async function worker() {
  while (next < Number(count)) {
    const n = ++next;
    const values = { VARname: `${letter.names[n % letter.names.length]} ${n}`, VARid: `C-${n}`, VARcoupon: `SPRING-${n}` };
    await pool.sendMail({
      from: letter.from, to: `customer-${n}@customers.example`, subject: fill(subject, values),
      html: fill(html, values), text: fill(text, values),
      headers: { "List-Unsubscribe": fill(unsubscribe, values), "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" },
    });
  }
}
const before = process.cpuUsage();
const start = process.hrtime.bigint();
Promise.all(Array.from({ length: 2 * Number(connections) }, worker)).then(() => {
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const used = process.cpuUsage(before);
  // Not maxRSS: it begins with what the parent had when it forked.
  const status = fs.readFileSync("/proc/self/status", "utf8");
  console.log(JSON.stringify({
    messages: Number(count), seconds, cpu_seconds: (used.user + used.system) / 1e6,
    peak_mb: Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) / 1024,
  }));
  pool.close();
});
