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

WeCom's bot, by its callback
- the vendor's vectors                       test_simulator_wecom_callback.test_the_vendors_vectors
- the address is verified                    test_simulator_wecom_callback.test_the_address_is_verified
- only what names the bot in a group         test_simulator_wecom_callback.test_what_nobody_can_do_on_a_phone
- files for 5 min, encrypted                 test_simulator_wecom_callback.test_files_are_encrypted_with_the_bots_key_for_five_minutes
- streams are asked for until finish         test_simulator_wecom_callback.test_a_stream_goes_on_until_it_is_finished
- or for 6 min                               test_simulator_wecom_callback.test_a_stream_that_is_not_finished_in_six_minutes_stays_as_it_is
- response_url once, for 1 h                 test_simulator_wecom_callback.test_one_more_answer_within_the_hour
- enter_chat once a day                      test_simulator_wecom_callback.test_the_chat_is_entered_once_a_day
- card events, same task_id                  test_simulator_wecom_callback.test_a_card_is_tapped_and_updated
                                             test_simulator_wecom_callback.test_other_answers_to_a_tap_are_refused
- 5 s for everything                         test_simulator_wecom_callback.test_five_seconds_and_no_more
- text for enter_chat only, sizes, cards     test_simulator_wecom_callback.test_what_the_platform_makes_of_an_answer
- the envelope's names and signature         test_simulator_wecom_callback.test_the_envelope_of_an_answer
- three messages of a member at once         test_simulator_wecom_callback.test_three_messages_of_one_member_at_once
- repeats with the same msgid                test_simulator_wecom_callback.test_without_an_answer_the_same_message_comes_again_signed_anew
                                             test_simulator_wecom_callback.test_a_lost_answer_and_a_duplicate
- out of order                               test_simulator_wecom_callback.test_a_message_overtakes_the_one_before

WeCom's bot, by its long connection
- 853000, nothing before subscribing         test_simulator_wecom_connection.test_nothing_goes_before_the_subscription
- one connection, the one before is kicked   test_simulator_wecom_connection.test_another_subscription_ends_the_one_before
- acks with the same req_id                  test_simulator_wecom_connection.test_a_message_and_a_stream_in_two_frames
- 30 a minute, answers and pushes together   test_simulator_wecom_connection.test_thirty_messages_a_minute_of_answers_and_pushes_together
- 1000 an hour                               test_simulator_wecom_connection.test_a_thousand_messages_an_hour
- 846605                                     test_simulator_wecom_connection.test_an_answer_to_what_it_is_not_for
                                             test_simulator_wecom_connection.test_an_answer_may_come_for_a_day
- 846608                                     test_simulator_wecom_connection.test_a_stream_ends_six_minutes_after_its_first_frame
- 93006 for who has not talked to it         test_simulator_wecom_connection.test_who_has_talked_to_the_bot_gets_pushes
- welcome and card within 5 s                test_simulator_wecom_connection.test_a_welcome_within_five_seconds
                                             test_simulator_wecom_connection.test_a_card_is_updated_within_five_seconds
- files both ways                            test_simulator_wecom_connection.test_a_picture_has_a_key_of_its_own
                                             test_simulator_wecom_connection.test_a_file_goes_up_in_pieces_and_out
- cut, refused, late, silent, twice          test_simulator_wecom_connection.test_a_kick_and_a_cut
                                             test_simulator_wecom_connection.test_connections_are_refused
                                             test_simulator_wecom_connection.test_no_pong_no_ack_and_late_acks
                                             test_simulator_wecom_connection.test_frames_twice_and_out_of_order

WeCom apps
- encrypted XML, signed anew, three attempts test_simulator_wecom_app.test_a_push_is_what_the_platform_sends
                                             test_simulator_wecom_app.test_a_silent_bot_is_asked_three_times_and_the_member_sees_nothing
- a wrong reply, a wrong verification        test_simulator_wecom_app.test_a_reply_that_the_platform_would_not_show
                                             test_simulator_wecom_app.test_a_verification_must_be_answered_to_the_byte
- the same token until it ends               test_wecom_app_sending.test_the_same_token_is_given_again_until_it_ends
- invaliduser, unlicenseduser, 81013         test_wecom_app_sending.test_who_is_no_member_is_told_from_the_others
                                             test_wecom_app_sending.test_nobody_is_a_member
- no repeat within the interval              test_wecom_app_sending.test_what_is_tried_again_is_shown_once
- 30 a minute and 1000 an hour, then dropped test_wecom_app_sending.test_the_platform_drops_what_is_too_much_for_one_member_and_says_nothing
- 45009 for a minute                         test_wecom_app_sending.test_too_many_calls_rest_for_a_minute
- 60020 for another address                  test_wecom_app_sending.test_what_the_operator_has_set_wrong

Group robots
- 20 a minute, 45009                         test_group_robot.test_the_platform_counts_as_well
- types and sizes                            test_group_robot.test_what_the_platform_takes
- 93000                                      test_group_robot.test_a_robot_that_is_gone
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
