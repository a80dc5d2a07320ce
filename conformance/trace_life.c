/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_life.h"

#include <stdio.h>
#include <string.h>

#include "target.h"
#include "vector.h"

static json_t *names_of(const struct trace_life *life, uint64_t features)
{
    json_t *list = json_array();

    for (unsigned bit = 0; list && bit < 64; bit++)
        if (features >> bit & 1)
            (void)json_array_append_new(list, json_string(vblk_feature_name(&life->profile, bit)));
    return list;
}

static json_t *device_of(const struct trace_life *life, uint64_t features)
{
    json_t *device = json_pack("{s:o}", "features", names_of(life, features));
    struct vblk_config_field f;

    for (size_t i = 0; device && vblk_config_field_at(&life->profile, i, &f); i++) {
        const int kind = vector_device_has(f.name);
        uint64_t value = 0;
        bool seen = kind && (f.feature < 0 || (features >> f.feature & 1));

        for (unsigned b = 0; seen && b < f.width; b++) {
            seen = f.offset + b < VBLK_CONFIG_MAX && life->known[f.offset + b];
            value |= seen ? (uint64_t)life->config[f.offset + b] << 8 * b : 0;
        }
        if (seen && value <= INT64_MAX)
            (void)json_object_set_new(device, f.name, kind == VECTOR_DEVICE_FLAG ? json_boolean(value != 0)
                                                                                 : json_integer((json_int_t)value));
    }
    return device;
}

/* Those of the run; and a chain longer than the queue was served only by a device that takes AMB-26 so. */
static void put_readings(const struct trace_life *life, json_t *device, uint16_t queue_size)
{
    json_t *list = json_array();
    bool said = life->now.longest <= queue_size;

    for (size_t i = 0; list && i < life->head.count; i++) {
        if (life->head.field[i].tag != VBLK_TRACE_T_READING)
            continue;
        (void)json_array_append_new(list, json_string(life->head.field[i].text));
        said = said || strncmp(life->head.field[i].text, "AMB-26=", 7) == 0;
    }
    if (list && !said)
        (void)json_array_append_new(list, json_string("AMB-26=device"));
    if (json_array_size(list))
        (void)json_object_set(device, "readings", list);
    json_decref(list);
}

/* What both the suite's device and its driver have; the rest is told. */
static void agree(struct trace_life *life, uint64_t *offered, uint64_t *accepted)
{
    const uint64_t has = vblk_device_features(&life->profile) | vblk_device_ring_features();
    const uint64_t wce = VBLK_BIT(VBLK_F_CONFIG_WCE), flush = VBLK_BIT(VBLK_F_FLUSH);
    uint64_t all = (life->offered | life->accepted) & has, want = life->accepted & has & target_modelled(&life->profile);

    if (!(want & VBLK_BIT(VBLK_F_VERSION_1)))
        life->now.left[TRACE_LEFT_LEGACY]++;
    want |= VBLK_BIT(VBLK_F_VERSION_1);
    if ((all & wce) && !(all & flush))
        all &= ~wce;
    want &= all | VBLK_BIT(VBLK_F_VERSION_1);
    for (unsigned bit = 0; bit < 64; bit++)
        life->now.left[TRACE_LEFT_FEATURES] += (life->accepted & ~want) >> bit & 1;
    *offered = all | want;
    *accepted = want;
}

static void case_name(const struct trace_life *life, char out[64])
{
    const char *text = trace_text(&life->of_case, VBLK_TRACE_T_NAME);
    size_t used = 0;

    for (; *text && used < 44; text++) {
        const char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

        if ((c >= 'a' && c <= 'z') || (used && c >= '0' && c <= '9'))
            out[used++] = c;
        else if (used && out[used - 1] != '-')
            out[used++] = '-';
    }
    while (used && out[used - 1] == '-')
        used--;
    if (!used)
        used = (size_t)snprintf(out, 64, "life");
    (void)snprintf(out + used, 64 - used, "-%zu", life->no);
}

/* Size and number of the queues; false: none was set up. */
static bool queues_of(struct trace_life *life, uint16_t *size, uint16_t *count)
{
    *size = *count = 0;
    for (uint16_t q = 0; q < TRACE_RINGS_MAX; q++) {
        if (!life->sizes[q])
            continue;
        *size = *size ? *size : life->sizes[q];
        *count = (uint16_t)(q + 1);
        life->now.left[TRACE_LEFT_QUEUES] += life->sizes[q] != *size;
    }
    return *count != 0;
}

static uint64_t power_of_two(uint64_t at_least)
{
    uint64_t size = 1;

    while (size < at_least)
        size *= 2;
    return size;
}

static void put_shape(struct trace_life *life, json_t *it)
{
    const uint64_t shown = life->queue_max <= VBLK_SPLIT_SIZE_MAX ? life->queue_max : 0;
    uint64_t offered, accepted;
    uint16_t size, queues;
    json_t *device;

    agree(life, &offered, &accepted);
    device = device_of(life, offered);
    if (queues_of(life, &size, &queues)) {
        put_readings(life, device, size);
        if (life->now.longest > size)
            (void)json_object_set_new(device, "chain_max", json_integer(life->now.longest));
        (void)json_object_set_new(device, "queue_max",
                                  json_integer((json_int_t)power_of_two(shown > size ? shown : size)));
        (void)json_object_set_new(it, "queue_size", json_integer(size));
        (void)json_object_set_new(it, "queues", json_integer(queues));
    }
    if (json_integer_value(json_object_get(device, "num_queues")) < queues && queues > 1)
        (void)json_object_set_new(device, "num_queues", json_integer(queues));
    (void)json_object_set_new(it, "device", device);
    (void)json_object_set_new(it, "negotiate", json_pack("{s:o}", "only", names_of(life, accepted)));
}

static void put_clause(const struct trace_life *life, json_t *it)
{
    const char *of = trace_text(&life->of_case, VBLK_TRACE_T_CLAUSE);

    if (vblk_clause_find(of) != VBLK_NO_CLAUSE && (!life->clause || strcmp(of, life->clause->id) != 0))
        (void)json_object_set_new(it, "exercises", json_pack("[s]", of));
}

json_t *trace_life_case(struct trace_life *life)
{
    const char *what = trace_text(&life->of_case, VBLK_TRACE_T_WHAT);
    char name[64], text[1400];
    json_t *it;

    case_name(life, name);
    (void)snprintf(text, sizeof(text), "%u request%s of a trace of vblk %.20s (%.400s). %.800s", life->now.requests,
                   life->now.requests == 1 ? "" : "s", trace_text(&life->head, VBLK_TRACE_T_COMMAND),
                   trace_text(&life->head, VBLK_TRACE_T_TARGET_NAME), what);
    it = json_pack("{s:s,s:s,s:s,s:[s]}", "name", name, "kind", "target", "what", text, "profiles", life->profile.name);
    if (!it)
        return NULL;
    if (life->now.changes_disk)
        (void)json_object_set_new(it, "changes_disk", json_true());
    put_clause(life, it);
    put_shape(life, it);
    return it;
}
