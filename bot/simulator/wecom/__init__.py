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

enterprise.Enterprise   messages(chat), used(chat), ledger, until(predicate), watch (see watching)
people.People           say, mixed, voice, picture, file, video, enter_chat, tap, feedback
exchange.Exchange       what became of one of these; wait() for it
connection              serving_connection(); LongConnection: url, live, wait_live, cut, kick,
                        send_raw, faults (ConnectionFaults)
limits                  the platform's error codes and limits

A conversation is named by its chatid, or by the userid for a single chat.
"""
