// co-wechat and wechat as bots that answer what they are asked for, and one of WeCom's.
'use strict';

const { decrypt, encrypt, getSignature } = require('@wecom/crypto');
const coWechat = require('co-wechat');
const wechat = require('wechat');
const { json } = require('./body.js');

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

/** The stream that answers a message or a poll: two parts, finished at the second. */
function streamOf(message) {
  const polled = message.msgtype === 'stream';
  const said = polled ? message.stream.id : message.text.content;
  const stream = { id: said, finish: polled, content: `你说：${said}` };
  return { msgtype: 'stream', stream };
}

/** A bot of WeCom by @wecom/crypto, which has no server of its own. */
function wecomBot({ token, key }) {
  return async (ctx) => {
    const { msg_signature: signature, timestamp, nonce, echostr } = ctx.query;
    const encrypted = echostr ?? (await json(ctx.req)).encrypt;
    if (getSignature(token, timestamp, nonce, encrypted) !== signature) ctx.throw(403);
    const { message, id } = decrypt(key, encrypted);
    if (id !== '') ctx.throw(400);
    if (echostr) {
      ctx.body = message;
      return;
    }
    const reply = encrypt(key, JSON.stringify(streamOf(JSON.parse(message))), '');
    const signed = getSignature(token, timestamp, nonce, reply);
    ctx.body = { encrypt: reply, msgsignature: signed, timestamp: Number(timestamp), nonce };
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
    '/wecom/bot': wecomBot({ token, key }),
  };
};
