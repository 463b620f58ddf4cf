// @wecom/aibot-node-sdk as a bot: node aibot.js '{"url": …, "bot": …, "secret": …}'
//
// Says what happens as lines of JSON, {"event": …}, and ends with its standard input.
'use strict';

const crypto = require('crypto');
const { WSClient } = require('@wecom/aibot-node-sdk');

const job = JSON.parse(process.argv[2]);
const nothing = () => {};
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const options = { botId: job.bot, secret: job.secret, wsUrl: job.url, logger };
const client = new WSClient({ ...options, reconnectInterval: 50, heartbeatInterval: 200 });
const say = (event, value = null) => console.log(JSON.stringify({ event, value }));
const codeOf = (call) => call.then((ack) => ack.errcode, (ack) => ack.errcode ?? String(ack));
const whereOf = (frame) => frame.body.chatid ?? frame.body.from.userid;

async function push(frame, times) {
  const body = { msgtype: 'markdown', markdown: { content: '**早**' } };
  const codes = [];
  for (let i = 0; i < times; i++) codes.push(await codeOf(client.sendMessage(whereOf(frame), body)));
  say('pushed', codes);
}

async function upload(frame) {
  const content = Buffer.alloc(1300000, '资料');
  const { media_id: id } = await client.uploadMedia(content, { type: 'file', filename: '资料.txt' });
  const code = await codeOf(client.reply(frame, { msgtype: 'file', file: { media_id: id } }));
  say('uploaded', [code, crypto.createHash('md5').update(content).digest('hex')]);
}

client.on('message.text', async (frame) => {
  const [, word, rest] = /(\S+)\s*(.*)$/.exec(frame.body.text.content.replace(/^@学伴\s*/, ''));
  if (word === '卡片') return say('card', await codeOf(client.replyTemplateCard(frame, JSON.parse(rest))));
  if (word === '推送') return push(frame, Number(rest));
  if (word === '上传') return upload(frame);
  const first = await codeOf(client.replyStream(frame, 'S1', '在想', false));
  const second = await codeOf(client.replyStream(frame, 'S1', `你说：${word}`, true));
  say('answered', [first, second]);
});
client.on('message.image', async (frame) => {
  const { url, aeskey } = frame.body.image;
  const { buffer } = await client.downloadFile(url, aeskey);
  say('picture', buffer.toString('hex'));
});
client.on('event.enter_chat', async (frame) => {
  say('welcomed', await codeOf(client.replyWelcome(frame, { msgtype: 'text', text: { content: '欢迎' } })));
});
client.on('event.template_card_event', async (frame) => {
  const { template_card_event: event } = frame.body.event;
  const title = { title: `点了 ${event.event_key}` };
  const card = { card_type: 'text_notice', main_title: title, task_id: event.task_id };
  say('updated', await codeOf(client.updateTemplateCard(frame, card)));
});
client.on('event.disconnected_event', () => say('kicked'));
client.on('authenticated', () => say('authenticated'));
client.on('disconnected', () => say('disconnected'));
client.on('error', (error) => say('error', String(error)));
process.stdin.resume().on('end', () => process.exit());
client.connect();
