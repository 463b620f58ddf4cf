// Three packages that sign and encrypt, each as the platform that pushes to a bot.
'use strict';

const wecom = require('@wecom/crypto');
const WXBizMsgCrypt = require('wechat-crypto');
const WechatEncrypt = require('wechat-encrypt');

const PACKAGES = {
  '@wecom/crypto': ({ token, appid, key }) => ({
    sign: (...parts) => wecom.getSignature(token, ...parts),
    encrypt: (text) => wecom.encrypt(key, text, appid),
    decrypt: (encrypted) => wecom.decrypt(key, encrypted),
  }),
  'wechat-crypto': ({ token, appid, key }) => {
    const cryptor = new WXBizMsgCrypt(token, key, appid);
    return {
      sign: (...parts) => cryptor.getSignature(...parts),
      encrypt: (text) => cryptor.encrypt(text),
      decrypt: (encrypted) => cryptor.decrypt(encrypted),
    };
  },
  'wechat-encrypt': ({ token, appid, key }) => {
    const cryptor = new WechatEncrypt({ token, appId: appid, encodingAESKey: key });
    return {
      sign: (timestamp, nonce, encrypt) => cryptor.genSign({ timestamp, nonce, encrypt }),
      encrypt: (text) => cryptor.encode(text),
      decrypt: (encrypted) => ({ message: cryptor.decode(encrypted) }),
    };
  },
};

function write(fields, format) {
  if (format === 'json') return JSON.stringify(fields);
  const element = ([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`;
  return `<xml>${Object.entries(fields).map(element).join('')}</xml>`;
}

function field(text, name, format) {
  if (format === 'json') return String(JSON.parse(text)[name]);
  return new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`).exec(text)[1];
}

function open(cryptor, envelope, format) {
  const names = ['TimeStamp', 'Nonce', 'Encrypt', 'MsgSignature'];
  const [timestamp, nonce, encrypted, signature] = names.map((name) => field(envelope, name, format));
  if (cryptor.sign(timestamp, nonce, encrypted) !== signature) throw new Error('signature of the reply');
  return cryptor.decrypt(encrypted);
}

/** What WeCom asks when the page of an app is saved: {"status", "body"}. */
exports.verify = async (job) => {
  const { name, callback, echo, timestamp, nonce } = job;
  const cryptor = PACKAGES[name](job);
  const echostr = cryptor.encrypt(echo);
  const msg_signature = cryptor.sign(timestamp, nonce, echostr);
  const response = await fetch(`${callback}?${new URLSearchParams({ msg_signature, timestamp, nonce, echostr })}`);
  return { status: response.status, body: await response.text() };
};

/** As send, for an app of WeCom, which is always encrypted XML and signs nothing else. */
exports.sendToApp = async (job) => {
  const { name, callback, message, timestamp, nonce } = job;
  const cryptor = PACKAGES[name](job);
  const Encrypt = cryptor.encrypt(write(message, 'xml'));
  const query = new URLSearchParams({ msg_signature: cryptor.sign(timestamp, nonce, Encrypt), timestamp, nonce });
  const sent = write({ ToUserName: message.ToUserName, AgentID: message.AgentID, Encrypt }, 'xml');
  const response = await fetch(`${callback}?${query}`, { method: 'POST', body: sent });
  const body = await response.text();
  return { status: response.status, body, ...(response.ok && body ? open(cryptor, body, 'xml') : {}) };
};

/** Push one message: {"status", "body"} and, of an encrypted reply, {"message", "id"}. */
exports.send = async (job) => {
  const { name, callback, message, mode, format, timestamp, nonce } = job;
  const cryptor = PACKAGES[name](job);
  // An empty third part makes it the signature of what is not encrypted.
  const signature = cryptor.sign(timestamp, nonce, '');
  const query = new URLSearchParams({ signature, timestamp, nonce, openid: message.FromUserName });
  let sent = write(message, format);
  if (mode !== 'plain') {
    const Encrypt = cryptor.encrypt(sent);
    const outside = mode === 'safe' ? { ToUserName: message.ToUserName } : message;
    sent = write({ ...outside, Encrypt }, format);
    query.set('encrypt_type', 'aes');
    query.set('msg_signature', cryptor.sign(timestamp, nonce, Encrypt));
  }
  const response = await fetch(`${callback}?${query}`, { method: 'POST', body: sent });
  const body = await response.text();
  const sealed = mode !== 'plain' && response.ok && body !== 'success';
  return { status: response.status, body, ...(sealed ? open(cryptor, body, format) : {}) };
};
