"""What the sandbox has to do as the platform does it, and the test of each.

Messages to the bot
- three modes, XML and JSON                  test_callback.test_every_mode_and_format
- signed anew for each attempt, same MsgId   test_simulator_pushes.test_every_attempt_is_signed_anew_with_the_same_id
- cut at 5 s, however slowly bytes come      test_simulator_caller.test_the_platform_waits_five_seconds
                                             test_simulator_caller.test_a_bot_that_drips_is_cut_in_time
- three attempts, then "暂时无法提供服务"       test_simulator_pushes.test_without_an_answer_the_member_reads_that
- a wrong reply as well                      test_simulator_pushes.test_a_reply_that_the_platform_would_refuse
- MsgSignature is checked, safe is decrypted test_simulator_pushes.test_a_reply_that_cannot_be_decrypted
- one card after a message, eight else       test_simulator_pushes.test_cards_after_a_message_and_after_an_event
- bursts                                     test_simulator_pushes.test_a_burst_of_messages
- duplicates                                 test_simulator_pushes.test_a_duplicate_is_answered_again_and_shown_once
- out of order                               test_simulator_pushes.test_a_message_overtakes_the_one_before
- control characters, long emoji texts       test_simulator_pushes.test_odd_texts_reach_the_bot

Calls to the platform
- the same stable token, overlap of 5 min    test_simulator_api.test_a_stable_token_stays_until_its_last_minutes
- force_refresh 20 a day, 30 s apart         test_simulator_api.test_twenty_tokens_are_forced_a_day
                                             test_simulator_api.test_a_forced_token_ends_the_one_before
- tokens that are not good any more          test_sending.test_a_revoked_token_is_renewed_once
                                             test_simulator_api.test_a_classic_token_is_new_each_time
- 40164 for another address                  test_simulator_api.test_who_gets_a_token
- 5 in 48 h and 3 in 1 min: 45015, 45047     test_platform_api.test_five_messages_after_one_and_a_new_one_begins_anew
                                             test_platform_api.test_three_messages_in_a_minute_after_an_event
- 43004 for who does not follow              test_platform_api.test_only_followers_are_reached
- 45009 a day, 45011 a minute                test_platform_api.test_a_day_has_its_quota_and_ends_in_shanghai
                                             test_simulator_api.test_a_minute_has_its_limit
- 47003 for a thing over 20                  test_platform_api.test_the_fields_of_a_template
- client_msg_id for 10 min                   test_platform_api.test_a_template_goes_out_once_for_each_key
- clientmsgid: 45065                         test_simulator_mass.test_a_key_is_good_once_in_a_day
- files for 3 days: 40007                    test_platform_calls.test_a_file_goes_up_and_comes_down
- 48001 by the four profiles                 test_platform_api.test_what_each_kind_of_account_may_do
- errmsg with a rid                          test_simulator_api.test_a_refusal_ends_with_an_id_of_its_own
- TEMPLATESENDJOBFINISH later                test_platform_api.test_what_became_of_messages_is_told_to_the_bot
- MASSSENDJOBFINISH later                    test_simulator_mass.test_everybody_gets_it_and_the_bot_is_told
"""

import re
from importlib import import_module

NAMED = re.findall(r"(test_\w+)\.(test_\w+)", __doc__)


def test_each_box_has_its_test() -> None:
    missing = [
        f"{module}.{name}"
        for module, name in NAMED
        if not callable(getattr(import_module(f"tests.{module}"), name, None))
    ]
    assert NAMED
    assert missing == []
