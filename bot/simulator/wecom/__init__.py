"""Plays WeCom (企业微信) towards one 智能机器人: members, groups, and the way to the bot.

    enterprise = Enterprise(Bot(id="BOT", name="学伴", secret="…"), clock)
    enterprise.add_member("ZhangSan", "张三")
    enterprise.add_group("G1", "一班", ("ZhangSan",))

    with serving_connection(enterprise) as line:        # the long connection
        ...                                             # a bot connects to line.url
        line.wait_live()
        people = People(enterprise, line)
        exchange = people.say("ZhangSan", "@学伴 打卡", chat="G1").wait(5)
        exchange.text, exchange.stream, exchange.finished, exchange.card, exchange.problem

    with serving_callback(enterprise, url) as line:     # a callback at `url`; Bot has token and key
        line.verify()
        People(enterprise, line).say("ZhangSan", "打卡").text   # comes back with the whole answer

enterprise.Enterprise   messages(chat), used(chat), ledger, until(predicate), watch (see watching)
people.People           say, mixed, voice, picture, file, video, enter_chat, tap, feedback
exchange.Exchange       what became of one of these; wait() for it
connection              serving_connection(); LongConnection: url, live, wait_live, cut, kick,
                        send_raw, faults (ConnectionFaults)
callback                serving_callback(); Callback: verify, attempts, poll_seconds, pause, faults
                        (CallbackFaults); response_url and files are served behind it
limits                  the platform's error codes and limits

A conversation is named by its chatid, or by the userid for a single chat.

No page of the vendor says, so these are our choices: the code of what is over a limit (846607), of
a body that is wrong (40058), of a response_url that is used up (40029), of what comes too late for
its event (846605); that limits and repeats hold for the callback as for the long connection; that
what happens while no bot is connected is lost; that a stream which runs out stays as it is.
"""
