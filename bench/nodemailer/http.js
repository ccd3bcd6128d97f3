// node http.js SMTP_PORT CONNECTIONS: an HTTP server before nodemailer's pool. It answers 202 as soon as the pool has the
// message, in memory; prints its port.
const http = require("http");
const nodemailer = require("nodemailer");

const [port, connections] = process.argv.slice(2);
const pool = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), pool: true, maxConnections: Number(connections), maxMessages: Infinity,
  ignoreTLS: true,
});

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const message = JSON.parse(Buffer.concat(pieces).toString());
    pool.sendMail(message).catch((problem) => console.error(problem.message));
    const answer = Buffer.from('{"status":"accepted"}');
    response.writeHead(202, { "Content-Type": "application/json", "Content-Length": answer.length });
    response.end(answer);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
