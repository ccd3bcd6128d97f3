// node send.js PORT COUNT HTML_FILE TEXT_FILE: nodemailer's pool, one message to each recipient, values filled in.
const fs = require("fs");
const nodemailer = require("nodemailer");
const [port, count, htmlFile, textFile] = process.argv.slice(2);
const html = fs.readFileSync(htmlFile, "utf8");
const text = fs.readFileSync(textFile, "utf8");
const pool = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), pool: true, maxConnections: 20, maxMessages: Infinity, ignoreTLS: true,
});
const fill = (template, name) => template.split("Person 1").join(name);
let next = 0;
async function worker() {
  while (next < Number(count)) {
    const n = ++next;
    const name = `Person ${n}`;
    await pool.sendMail({
      from: "Example Shop <news@mail.example.com>", to: `customer-${n}@customers.example`,
      subject: `The news of the week, ${name}`, html: fill(html, name), text: fill(text, name),
    });
  }
}
const before = process.cpuUsage();
const start = process.hrtime.bigint();
Promise.all(Array.from({ length: 40 }, worker)).then(() => {
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const used = process.cpuUsage(before);
  console.log(JSON.stringify({ seconds, cpu_seconds: (used.user + used.system) / 1e6 }));
  pool.close();
});
