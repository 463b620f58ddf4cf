// One process for every peer: node peers.js '{"token": …, "appid": …, "key": …}'
//
// /co-wechat/… and /wechat/… are callbacks; POST to the tools below takes and gives JSON. It says
// "ready PORT" when it listens, and ends with its standard input.
'use strict';

const Koa = require('koa');
const api = require('./api.js');
const { json } = require('./body.js');
const sender = require('./sender.js');
const servers = require('./servers.js');

const callbacks = servers.callbacks(JSON.parse(process.argv[2]));
const tools = {
  '/call': api.call,
  '/send': sender.send,
  '/send-to-app': sender.sendToApp,
  '/verify': sender.verify,
};

const app = new Koa();
app.use(async (ctx, next) => {
  if (ctx.path in callbacks) return callbacks[ctx.path](ctx, next);
  if (ctx.path in tools) ctx.body = await tools[ctx.path](await json(ctx.req));
});

process.stdin.resume().on('end', () => process.exit());
const server = app.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
