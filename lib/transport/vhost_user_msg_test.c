/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vhost_user_bench.h"

#include <sys/socket.h>
#include <unistd.h>

/* Messages */

static void unknown_request__has_a_row_without_sizes(void **state)
{
    (void)state;
    assert_string_equal(vu_request_row(0)->name, "?");
    assert_string_equal(vu_request_row(UINT32_MAX)->name, "?");
    assert_string_equal(vu_request_row(VU_GET_STATUS)->name, "GET_STATUS");
}

static void send__is_bounded_in_size_time_and_descriptors(void **state)
{
    struct vu_msg m;
    int pair[2], fds[9] = { 0 };
    vblk_err err = VBLK_OK;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    vu_msg_init(&m, VU_SET_CONFIG);
    assert_int_equal(vu_send(pair[0], &m, fds, 9, 0), VBLK_E_INVAL);
    for (size_t i = 0; i < 100000 && err == VBLK_OK; i++)
        err = vu_send(pair[0], &m, NULL, 0, vu_now() + 10);
    assert_int_equal(err, VBLK_E_TIMEOUT);
    close(pair[1]);
    assert_int_equal(vu_send(pair[0], &m, NULL, 0, vu_now() + 10), VBLK_E_GONE);
    m.head.size = sizeof(m.body) + 1;
    assert_int_equal(vu_send(pair[0], &m, NULL, 0, 0), VBLK_E_INVAL);
    close(pair[0]);
}

static void receive__half_a_message_in_time_is_a_timeout(void **state)
{
    struct vu_msg m;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], "\1\0\0\0\1", 5), 5);
    assert_int_equal(vu_recv(pair[0], &m, vu_now() + 10), VBLK_E_TIMEOUT);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_request__has_a_row_without_sizes),
        cmocka_unit_test(send__is_bounded_in_size_time_and_descriptors),
        cmocka_unit_test(receive__half_a_message_in_time_is_a_timeout),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
