/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

static char where[] = "/tmp/vblk-expect-XXXXXX";
static char why[256];

static struct expect_list *read_text(const char *text)
{
    FILE *out = fopen(where, "w");

    assert_non_null(out);
    assert_int_equal(fputs(text, out) >= 0, 1);
    assert_int_equal(fclose(out), 0);
    why[0] = '\0';
    return expect_read(where, why, sizeof(why));
}

static int set_up(void **state)
{
    int fd = mkstemp(where);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(where);
}

static void file__every_key_is_read(void **state)
{
    struct expect_list *list = read_text("# head\n\n[[expect]] # one\n"
                                         "clause = \"PROV-DEV-01\"\n"
                                         "  case= 'provision/PROV-DEV-01/*' # a glob\r\n"
                                         "reason =\"a \\\"quoted\\\" \\\\ thing # here\"\n"
                                         "link = \"https://bugs.example.org/1\"\n"
                                         "[[expect]]\nclause = 'PROV-FEAT-01'\nreason = 'b'");

    (void)state;
    assert_non_null(list);
    assert_int_equal(list->count, 2);
    assert_string_equal(list->entries[0].clause, "PROV-DEV-01");
    assert_string_equal(list->entries[0].name, "provision/PROV-DEV-01/*");
    assert_string_equal(list->entries[0].reason, "a \"quoted\" \\ thing # here");
    assert_string_equal(list->entries[0].link, "https://bugs.example.org/1");
    assert_int_equal(list->entries[0].line, 3);
    assert_null(list->entries[1].name);
    assert_int_equal(list->entries[1].line, 8);
    expect_free(list);
}

static void file__empty_expects_nothing(void **state)
{
    struct expect_list *list = read_text("");

    (void)state;
    assert_non_null(list);
    assert_int_equal(list->count, 0);
    assert_null(expect_missed(list, "PROV-DEV-01"));
    expect_free(list);
}

static void refused(const char *text, int line, const char *word)
{
    char place[64];

    (void)snprintf(place, sizeof(place), "%s:%d: ", where, line);
    assert_null(read_text(text));
    assert_int_equal(strncmp(why, place, strlen(place)), 0);
    assert_non_null(strstr(why, word));
}

static void file__what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    refused("clause = 'PROV-DEV-01'\n", 1, "before the first");
    refused("[[expect]]\nclause = PROV-DEV-01\n", 2, "quoted");
    refused("[[expect]]\nclause = 'PROV-DEV-01\n", 2, "quoted");
    refused("[[expect]]\nclause = 'PROV-DEV-01' x\n", 2, "quoted");
    refused("[[expect]]\nreason = \"a \\u0041\"\n", 2, "quoted");
    refused("[[expect]]\nreason = \"a \\", 2, "quoted");
    refused("[[expect]]\nclause 'PROV-DEV-01'\n", 2, "key = ");
    refused("[[expect]]\n= 'PROV-DEV-01'\n", 2, "key = ");
    refused("[[expected]]\n", 1, "[[expect]]");
    refused("[[expect]] x\n", 1, "[[expect]]");
    refused("[[expect]]\nclauses = 'x'\n", 2, "unknown key");
    refused("[[expect]]\nclause = 'PROV-DEV-01'\nclause = 'PROV-DEV-01'\n", 3, "already");
    refused("\n[[expect]]\nreason = 'x'\n", 2, "no clause");
    refused("[[expect]]\nclause = 'PROV-DEV-01'\n", 1, "no reason");
    refused("[[expect]]\nclause = 'PROV-DEV-01'\nreason=''\n", 1, "no reason");
    refused("[[expect]]\nclause = 'NO-SUCH-1'\nreason = 'x'\n", 1, "does not exist");
}

static void file__missing_is_a_sentence(void **state)
{
    (void)state;
    assert_null(expect_read("/nonexistent/expect.toml", why, sizeof(why)));
    assert_non_null(strstr(why, "/nonexistent/expect.toml"));
}

static struct expect_list *two_entries(void)
{
    struct expect_list *list = read_text("[[expect]]\nclause='PROV-DEV-01'\ncase='*/one'\nreason='first'\n"
                                         "[[expect]]\nclause='PROV-DEV-02'\nreason='second'\n");

    assert_non_null(list);
    return list;
}

static void entry__speaks_of_its_clause_and_case_only(void **state)
{
    struct expect_list *list = two_entries();

    (void)state;
    assert_non_null(expect_find(list, "PROV-DEV-01", "provision/PROV-DEV-01/one"));
    assert_non_null(expect_find(list, "PROV-DEV-01", "provision/PROV-DEV-01/one@packed"));
    assert_null(expect_find(list, "PROV-DEV-01", "provision/PROV-DEV-01/two"));
    assert_null(expect_find(list, "PROV-DEV-03", "provision/PROV-DEV-01/one"));
    assert_non_null(expect_find(list, "PROV-DEV-02", "anything"));
    assert_null(expect_find(NULL, "PROV-DEV-02", "anything"));
    expect_free(list);
}

static void entry__that_happens_once_is_not_missed(void **state)
{
    struct expect_list *list = two_entries();

    (void)state;
    assert_null(expect_missed(list, "PROV-DEV-02"));
    assert_non_null(expect_tell(list, "PROV-DEV-02", "a", false));
    assert_non_null(expect_missed(list, "PROV-DEV-02"));
    assert_non_null(expect_tell(list, "PROV-DEV-02", "b", true));
    assert_null(expect_missed(list, "PROV-DEV-02"));
    expect_free(list);
}

static void entry__not_tried_is_not_missed(void **state)
{
    struct expect_list *list = two_entries();

    (void)state;
    assert_null(expect_tell(list, "PROV-DEV-01", "provision/PROV-DEV-01/two", false));
    assert_null(expect_missed(list, "PROV-DEV-01"));
    expect_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file__every_key_is_read),
        cmocka_unit_test(file__empty_expects_nothing),
        cmocka_unit_test(file__what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(file__missing_is_a_sentence),
        cmocka_unit_test(entry__speaks_of_its_clause_and_case_only),
        cmocka_unit_test(entry__that_happens_once_is_not_missed),
        cmocka_unit_test(entry__not_tried_is_not_missed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
