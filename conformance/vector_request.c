/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes, segments, descriptor sizes: how the steps' requests are read. */
#include "vector_read.h"

#include <string.h>

struct bytes_members {
    const char *hex;
    uint64_t length, le64;
    uint32_t le32;
    uint16_t le16;
    uint8_t pattern, fill;
    bool has_hex, has_pattern, has_fill, has_length, has_le16, has_le32, has_le64;
};

#define IN_BYTES(name, width) vector_read_number, offsetof(struct bytes_members, name), \
                              offsetof(struct bytes_members, has_##name), width, false, NULL
static const struct vector_member bytes_members[] = {
    { "hex", vector_read_string, offsetof(struct bytes_members, hex), offsetof(struct bytes_members, has_hex), 0, false,
      NULL },
    { "pattern", IN_BYTES(pattern, 1) },
    { "fill", IN_BYTES(fill, 1) },
    { "length", IN_BYTES(length, 8) },
    { "le16", IN_BYTES(le16, 2) },
    { "le32", IN_BYTES(le32, 4) },
    { "le64", IN_BYTES(le64, 8) },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool read_hex(struct vector_reader *r, const struct vector_path *at, const char *hex, struct vblk_bytes *out)
{
    uint8_t *bytes = vector_arena_get(r->arena, strlen(hex) / 2 + 1);
    size_t n = 0;

    if (!bytes)
        return vector_fail(r, at, "no memory");
    for (; *hex; hex += 2) {
        int high, low;

        hex += strspn(hex, " ");
        if (!*hex)
            break;
        high = hex_digit(hex[0]);
        low = hex_digit(hex[1]);
        if (high < 0 || low < 0)
            return vector_fail(r, at, "\"hex\" is pairs of lower-case hexadecimal digits, with spaces between them");
        bytes[n++] = (uint8_t)(high << 4 | low);
    }
    *out = (struct vblk_bytes){ .given = bytes, .length = n };
    return true;
}

static bool read_little_endian(struct vector_reader *r, const struct vector_path *at, uint64_t value, unsigned width,
                               struct vblk_bytes *out)
{
    uint8_t *bytes = vector_arena_get(r->arena, width);

    if (!bytes)
        return vector_fail(r, at, "no memory");
    for (unsigned i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    *out = (struct vblk_bytes){ .given = bytes, .length = width };
    return true;
}

static bool read_bytes(struct vector_reader *r, const struct vector_path *at, json_t *value, struct vblk_bytes *out)
{
    struct bytes_members b = { 0 };
    int given;

    if (!vector_read_object(r, at, value, bytes_members, &b))
        return false;
    given = b.has_hex + b.has_pattern + b.has_fill + b.has_le16 + b.has_le32 + b.has_le64;
    if (given != 1)
        return vector_fail(r, at, "bytes are one of hex, pattern, fill, le16, le32, le64");
    if (b.has_length != (b.has_pattern || b.has_fill))
        return vector_fail(r, at, "a length belongs to pattern and fill, and only to them");
    if (b.has_hex)
        return read_hex(r, &(struct vector_path){ at, "hex", 0 }, b.hex, out);
    if (b.has_le16 || b.has_le32 || b.has_le64)
        return read_little_endian(r, at, b.le16 | b.le32 | b.le64, b.has_le16 ? 2 : b.has_le32 ? 4 : 8, out);
    *out = (struct vblk_bytes){ .length = b.length, .seed = (uint8_t)(b.pattern | b.fill), .fill = b.has_fill };
    return true;
}

VECTOR_READER(vector_read_bytes)
{
    return read_bytes(r, at, value, (struct vblk_bytes *)(void *)((unsigned char *)into + m->offset));
}

/* A list whose elements may stand for several: "times" copies, the variable i counting them. */
struct list {
    uint64_t total, limit;
    const char *what;
};

static bool read_times(struct vector_reader *r, const struct vector_path *at, const json_t *element, struct list *list,
                       uint64_t *times)
{
    const json_t *value = json_is_object(element) ? json_object_get(element, "times") : NULL;
    struct vector_path here = { at, "times", 0 };
    bool known = true;

    *times = 1;
    if (value && !vector_read_value(r, &here, value, 8, times, &known))
        return false;
    if (!known)
        *times = 1;
    if (*times > list->limit - list->total)
        return vector_fail(r, value ? &here : at, "more than %llu %s", (unsigned long long)list->limit, list->what);
    list->total += *times;
    return true;
}

static bool count_list(struct vector_reader *r, const struct vector_path *at, const json_t *value, struct list *list)
{
    uint64_t times;
    size_t i;
    json_t *element;

    if (!json_is_array(value))
        return vector_fail(r, at, "a list of %s is due here", list->what);
    json_array_foreach(value, i, element) {
        if (!read_times(r, &(struct vector_path){ at, NULL, i }, element, list, &times))
            return false;
    }
    return true;
}

struct segment_members {
    uint64_t sector;
    uint32_t num_sectors, flags;
};
#define IN_SEGMENT(name, width) vector_read_number, offsetof(struct segment_members, name), 0, width
static const struct vector_member segment_members[] = {
    { "sector", IN_SEGMENT(sector, 8), true, NULL },
    { "num_sectors", IN_SEGMENT(num_sectors, 4), true, NULL },
    { "flags", IN_SEGMENT(flags, 4), false, NULL },
    { "times", vector_read_any, 0, 0, 0, false, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};
struct frame_members {
    uint32_t size;
};
static const struct vector_member frame_members[] = {
    { "size", vector_read_number, offsetof(struct frame_members, size), 0, 4, true, NULL },
    { "times", vector_read_any, 0, 0, 0, false, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

static bool read_segment(struct vector_reader *r, const struct vector_path *at, json_t *element, void *out)
{
    struct segment_members s = { 0 };

    if (!vector_read_object(r, at, element, segment_members, &s))
        return false;
    if (out)
        *(struct vblk_segment *)out = (struct vblk_segment){ vblk_put64(s.sector), vblk_put32(s.num_sectors),
                                                             vblk_put32(s.flags) };
    return true;
}

static bool read_frame(struct vector_reader *r, const struct vector_path *at, json_t *element, void *out)
{
    struct frame_members f = { 0 };
    uint64_t size;

    if (!json_is_object(element)) {
        if (!vector_read_value(r, at, element, 4, &size, NULL))
            return false;
    } else {
        if (!vector_read_object(r, at, element, frame_members, &f))
            return false;
        size = f.size;
    }
    if (out)
        *(uint32_t *)out = (uint32_t)size;
    return true;
}

typedef bool (*element_fn)(struct vector_reader *r, const struct vector_path *at, json_t *element, void *out);

/* Every element, each "times" times. While checking each is read once, so that none escapes. */
static bool read_list(struct vector_reader *r, const struct vector_path *at, json_t *value, struct list *list,
                      element_fn read, size_t size, void **out)
{
    struct vector_variable *v = &r->scope.variable[r->scope.variable_count];
    struct list again = { 0, list->limit, list->what };
    unsigned char *to;
    uint64_t times;
    size_t i;
    json_t *element;

    if (!count_list(r, at, value, list))
        return false;
    *out = to = vector_arena_get(r->arena, (size_t)list->total * size + 1);
    if (!to)
        return vector_fail(r, at, "no memory");
    json_array_foreach(value, i, element) {
        struct vector_path here = { at, NULL, i };

        (void)read_times(r, &here, element, &again, &times);
        r->scope.variable_count++;
        for (uint64_t n = 0; n < times || (r->checking && n == 0); n++) {
            *v = (struct vector_variable){ "i", n, !r->checking };
            if (!read(r, &here, element, n < times ? to : NULL))
                return false;
            to += n < times ? size : 0;
            if (r->checking)
                break;
        }
        to += r->checking && times ? (size_t)(times - 1) * size : 0;
        r->scope.variable_count--;
    }
    return true;
}

VECTOR_READER(vector_read_segments)
{
    struct vblk_step_request *request = &((struct vblk_step *)into)->request;
    struct list list = { 0, VECTOR_SEGMENTS_MAX, "segments" };
    void *segments;

    (void)m;
    if (!read_list(r, at, value, &list, read_segment, sizeof(struct vblk_segment), &segments))
        return false;
    request->segments = segments;
    request->segment_count = (uint32_t)list.total;
    return true;
}

static bool read_frames(struct vector_reader *r, const struct vector_path *at, json_t *value, const uint32_t **frames,
                        uint16_t *count)
{
    struct list list = { 0, VBLK_FRAMES_MAX, "sizes" };
    void *sizes;

    if (!read_list(r, at, value, &list, read_frame, sizeof(uint32_t), &sizes))
        return false;
    *frames = sizes;
    *count = (uint16_t)list.total;
    return true;
}

VECTOR_READER(vector_read_readable_frames)
{
    struct vblk_step_request *request = &((struct vblk_step *)into)->request;

    (void)m;
    return read_frames(r, at, value, &request->readable_frames, &request->readable_frame_count);
}

VECTOR_READER(vector_read_writable_frames)
{
    struct vblk_step_request *request = &((struct vblk_step *)into)->request;

    (void)m;
    return read_frames(r, at, value, &request->writable_frames, &request->writable_frame_count);
}

VECTOR_READER(vector_read_type)
{
    struct vector_step_reading *reading = into;
    uint64_t type;

    (void)m;
    if (!vector_read_value(r, at, value, 4, &type, &reading->type_known))
        return false;
    reading->step.request.type = (uint32_t)type;
    return true;
}

/* What a type implies for the data where the step is silent. */
static const struct implied {
    uint32_t type;
    bool sectors;       /* whole sectors, one by default */
    bool readable;
    uint32_t in_length; /* otherwise */
} implied[] = {
    { VBLK_T_IN, true, false, 0 },
    { VBLK_T_OUT, true, true, 0 },
    { VBLK_T_GET_ID, false, false, VBLK_ID_BYTES },
    { VBLK_T_GET_LIFETIME, false, false, sizeof(struct vblk_lifetime) },
};

static const struct implied *implied_by(const struct vector_step_reading *reading)
{
    for (size_t i = 0; reading->type_known && i < sizeof(implied) / sizeof(implied[0]); i++) {
        if (implied[i].type == reading->step.request.type)
            return &implied[i];
    }
    return NULL;
}

bool vector_request_finish(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading)
{
    struct vblk_step_request *request = &reading->step.request;
    const struct implied *rule = implied_by(reading);
    uint64_t length = (reading->sectors_given ? reading->sectors : 1) * VBLK_SECTOR;

    if (reading->out_given && reading->segments_given)
        return vector_fail(r, at, "\"out\" and \"segments\" exclude each other");
    if (reading->sectors_given && reading->type_known && !(rule && rule->sectors))
        return vector_fail(r, at, "\"sectors\" belongs to IN and OUT");
    if (reading->sectors_given && (reading->in_given || reading->out_given))
        return vector_fail(r, at, "\"sectors\" excludes \"in\" and \"out\"");
    if (reading->sectors > UINT64_MAX / VBLK_SECTOR)
        return vector_fail(r, at, "\"sectors\" is more than 64 bits of bytes");
    if (rule && rule->readable && !reading->out_given && !reading->segments_given)
        request->out = (struct vblk_bytes){ .length = length, .seed = 1 };
    else if (rule && !rule->readable && !reading->in_given)
        request->in_length = rule->sectors ? length : rule->in_length;
    return true;
}

bool vector_request_writes(const struct vector_step_reading *reading)
{
    static const uint32_t writers[] = { VBLK_T_OUT, VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, VBLK_T_SECURE_ERASE };

    for (size_t i = 0; reading->type_known && i < sizeof(writers) / sizeof(writers[0]); i++) {
        if (writers[i] == reading->step.request.type)
            return true;
    }
    return false;
}
