// Preloaded into Wrangler: when the command that started it is killed without a chance to say so, it ends too, and does
// not keep the port.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
