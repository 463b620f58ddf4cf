// co-wechat and wechat as bots that answer what they are asked for.
'use strict';

const coWechat = require('co-wechat');
const wechat = require('wechat');

const ARTICLE = {
  title: '题',
  description: '说',
  picUrl: 'https://example.org/p.png',
  url: 'https://example.org/?a=1&b=2',
};
const ANSWERS = { 图片: { type: 'image', content: { mediaId: 'M1' } }, 图文: [ARTICLE], 无: '' };

function answer(message) {
  if (message.MsgType === 'event') return `事件 ${message.Event} ${message.EventKey}`;
  return ANSWERS[message.Content] ?? `你说：${message.Content}`;
}

/** wechat wants what Express gives, and writes the response itself. */
function underKoa(config) {
  const handle = wechat(config, (request, response) => response.reply(answer(request.weixin)));
  return (ctx) => {
    ctx.respond = false;
    ctx.req.query = ctx.query;
    handle(ctx.req, ctx.res, (error) => ctx.res.writeHead(500).end(String(error)));
  };
}

/** Koa middleware by path, for an account without a key and for the same with one. */
exports.callbacks = ({ token, appid, key }) => {
  const encrypted = { token, appid, encodingAESKey: key };
  return {
    '/co-wechat/plain': coWechat({ token, appid }).middleware(answer),
    '/co-wechat/encrypted': coWechat(encrypted).middleware(answer),
    '/wechat/plain': underKoa(token),
    '/wechat/encrypted': underKoa(encrypted),
  };
};
