// Preloaded into Wrangler: when the command that started it is killed, Wrangler ends too and frees its port.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
