/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_image.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define PAGES_MAX 32768u
#define SLOTS (2 * PAGES_MAX)

struct page {
    uint64_t no;
    uint64_t age; /* of another age: nothing is known of it */
    uint8_t known[PAGE / 8];
    uint8_t bytes[PAGE];
};

struct trace_image {
    struct page *slot[SLOTS];
    uint32_t count;
    uint64_t age;
};

struct trace_image *trace_image_new(void)
{
    return calloc(1, sizeof(struct trace_image));
}

void trace_image_free(struct trace_image *image)
{
    for (size_t i = 0; image && i < SLOTS; i++)
        free(image->slot[i]);
    free(image);
}

void trace_image_forget(struct trace_image *image)
{
    image->age++;
}

/* Where the page is, or would be: there are twice as many slots as pages. */
static size_t slot_of(const struct trace_image *image, uint64_t no)
{
    uint64_t hash = no * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)((hash ^ hash >> 31) % SLOTS);

    while (image->slot[i] && image->slot[i]->no != no)
        i = (i + 1) % SLOTS;
    return i;
}

static struct page *page_for(struct trace_image *image, uint64_t no)
{
    struct page **slot = &image->slot[slot_of(image, no)];

    if (!*slot) {
        if (image->count == PAGES_MAX || (*slot = calloc(1, sizeof(**slot))) == NULL)
            return NULL;
        image->count++;
        (*slot)->no = no;
        (*slot)->age = image->age;
    } else if ((*slot)->age != image->age) {
        memset((*slot)->known, 0, sizeof((*slot)->known));
        (*slot)->age = image->age;
    }
    return *slot;
}

static uint32_t piece_of(uint64_t at, uint64_t len)
{
    const uint32_t room = PAGE - (uint32_t)(at % PAGE);

    return len < room ? (uint32_t)len : room;
}

bool trace_image_put(struct trace_image *image, uint64_t at, const uint8_t *bytes, uint64_t len)
{
    while (len) {
        const uint32_t in = (uint32_t)(at % PAGE), piece = piece_of(at, len);
        struct page *page = page_for(image, at / PAGE);

        if (!page)
            return false;
        memcpy(page->bytes + in, bytes, piece);
        for (uint32_t i = in; i < in + piece; i++)
            page->known[i / 8] |= (uint8_t)(1u << i % 8);
        at += piece;
        bytes += piece;
        len -= piece;
    }
    return true;
}

/* By what is there, not by the length, which is anybody's. */
void trace_image_drop(struct trace_image *image, uint64_t at, uint64_t len)
{
    const uint64_t last = at + (len ? len - 1 : 0);

    if (len / PAGE > PAGES_MAX || last < at) {
        trace_image_forget(image);
        return;
    }
    while (len) {
        const uint32_t in = (uint32_t)(at % PAGE), piece = piece_of(at, len);
        struct page *page = image->slot[slot_of(image, at / PAGE)];

        for (uint32_t i = in; page && i < in + piece; i++)
            page->known[i / 8] &= (uint8_t) ~(1u << i % 8);
        at += piece;
        len -= piece;
    }
}

bool trace_image_get(const struct trace_image *image, uint64_t at, void *bytes, uint64_t len)
{
    uint8_t *to = bytes;

    if (len && at + (len - 1) < at)
        return false;
    while (len) {
        const uint32_t in = (uint32_t)(at % PAGE), piece = piece_of(at, len);
        const struct page *page = image->slot[slot_of(image, at / PAGE)];

        if (!page || page->age != image->age)
            return false;
        for (uint32_t i = in; i < in + piece; i++)
            if (!(page->known[i / 8] >> i % 8 & 1))
                return false;
        memcpy(to, page->bytes + in, piece);
        at += piece;
        to += piece;
        len -= piece;
    }
    return true;
}
