/* SPDX-License-Identifier: BSD-3-Clause */
/* Resolved scripts for people: the verbs' own tables say what to print. */
#include "vector_read.h"

#include <inttypes.h>
#include <string.h>

static const char *word_of(const struct vector_word *words, uint64_t value)
{
    for (; words->word; words++) {
        if (words->value == value)
            return words->word;
    }
    return "?";
}

/* Numbers that are easier to read in the other base get it. */
static void print_number(FILE *out, uint64_t value)
{
    fprintf(out, value >= UINT32_MAX ? "0x%" PRIx64 : "%" PRIu64, value);
}

static void print_bytes(FILE *out, const char *name, const struct vblk_bytes *bytes)
{
    if (!bytes->length)
        return;
    fprintf(out, " %s=", name);
    if (!bytes->given) {
        fprintf(out, "%s(%u)*%" PRIu64, bytes->fill ? "fill" : "pattern", bytes->seed, bytes->length);
        return;
    }
    for (uint64_t i = 0; i < bytes->length && i < 32; i++)
        fprintf(out, "%02x", bytes->given[i]);
    if (bytes->length > 32)
        fprintf(out, "…(%" PRIu64 " bytes)", bytes->length);
}

static void print_request(FILE *out, const struct vblk_step *step, const struct vblk_profile *profile)
{
    const struct vblk_step_request *r = &step->request;
    const char *type = vblk_type_name(profile, r->type);

    if (type)
        fprintf(out, " type=%s", type);
    else
        fprintf(out, " type=%" PRIu32, r->type);
    for (uint32_t i = 0; i < r->segment_count && i < 8; i++)
        fprintf(out, " {sector=0x%" PRIx64 " num_sectors=%" PRIu32 " flags=0x%" PRIx32 "}",
                vblk_get64(r->segments[i].sector), vblk_get32(r->segments[i].num_sectors),
                vblk_get32(r->segments[i].flags));
    if (r->segment_count > 8)
        fprintf(out, " … %" PRIu32 " segments", r->segment_count);
    for (unsigned i = 0; i < r->readable_frame_count && i < 16; i++)
        fprintf(out, "%s%" PRIu32, i ? "+" : " readable=", r->readable_frames[i]);
    for (unsigned i = 0; i < r->writable_frame_count && i < 16; i++)
        fprintf(out, "%s%" PRIu32, i ? "+" : " writable=", r->writable_frames[i]);
}

static void print_desc(FILE *out, const struct vblk_step *step)
{
    const struct vblk_desc *d = &step->desc;
    uint8_t sets = step->desc_sets ? step->desc_sets : 0xf;

    if (sets & VBLK_DESC_SETS_ADDR && !step->part)
        fprintf(out, " addr=0x%" PRIx64, vblk_get64(d->addr));
    if (sets & VBLK_DESC_SETS_LEN)
        fprintf(out, " len=%" PRIu32, vblk_get32(d->len));
    if (sets & VBLK_DESC_SETS_FLAGS)
        fprintf(out, " flags=%u", vblk_get16(d->flags));
    if (sets & VBLK_DESC_SETS_NEXT)
        fprintf(out, sets & VBLK_DESC_NEXT_IN_CHAIN ? " next_in_chain=%u" : " next=%u", vblk_get16(d->next));
}

static void print_expect(FILE *out, const struct vblk_step_expect *e)
{
    for (unsigned i = 0; i < e->status_count; i++) {
        const char *name = vblk_status_name(e->status[i]);

        fprintf(out, "%s", i ? "|" : " status=");
        if (name)
            fprintf(out, "%s", name);
        else
            fprintf(out, "%u", e->status[i]);
    }
    for (unsigned i = 0; i < e->len_count; i++)
        fprintf(out, "%s%" PRIu64, i ? "|" : " len=", e->len[i]);
    if (e->data_same_as)
        fprintf(out, " same_as=%s", e->other);
}

static void print_flag(FILE *out, const struct vector_member *m, const void *step, const void *usual)
{
    bool now, before;

    memcpy(&now, (const unsigned char *)step + m->offset, sizeof(now));
    memcpy(&before, (const unsigned char *)usual + m->offset, sizeof(before));
    if (now != before)
        fprintf(out, now == (m->read == vector_read_bool) ? " %s" : " no_%s", m->name);
}

/* A member as its table describes it, if it is one of the step's own and says more than the default does. */
static void print_member(FILE *out, const struct vblk_step *step, const struct vblk_step *usual,
                         const struct vector_member *m)
{
    const unsigned char *base = (const unsigned char *)step;
    unsigned width = m->read == vector_read_features ? 8 : m->width;
    bool flag = m->given && m->given < sizeof(*step), given = flag && base[m->given];
    bool number = m->read == vector_read_number || m->read == vector_read_features;
    uint64_t value;

    if (m->offset + width > sizeof(*step) || (flag && !given))
        return;
    if (m->read == vector_read_bytes)
        print_bytes(out, m->name, (const struct vblk_bytes *)(const void *)(base + m->offset));
    else if (m->read == vector_read_bool || m->read == vector_read_bool_not)
        print_flag(out, m, step, usual);
    if (!number && m->read != vector_read_word)
        return;
    value = vector_fetch(step, m->offset, width);
    if (value == vector_fetch(usual, m->offset, width) && !given && !m->required)
        return;
    fprintf(out, " %s=", m->name);
    if (number)
        print_number(out, value);
    else
        fprintf(out, "%s", word_of(m->more, value));
}

static const struct vector_verb *verb_of(const struct vblk_step *step)
{
    const struct vector_verb *found = NULL;

    for (const struct vector_verb *v = vector_verbs; v->word; v++) {
        if (v->kind != step->kind || (v->kind == VBLK_STEP_HOST && v->action != step->reg))
            continue;
        if (!found || v->a == step->a) /* hold and release differ in a */
            found = v;
    }
    return found;
}

static void print_step(FILE *out, const struct vblk_step *step, const struct vblk_profile *profile)
{
    const struct vblk_step usual = vblk_step_make((enum vblk_step_kind)step->kind);
    const struct vector_verb *verb = verb_of(step);

    if (!verb)
        return;
    fprintf(out, "%-3s %s", verb->dev ? "dev" : "do", verb->word);
    if (step->name[0])
        fprintf(out, " %s", step->name);
    if (step->part)
        fprintf(out, " %s+0x%" PRIx64, word_of(vector_part_words, step->part),
                step->kind == VBLK_STEP_DESC ? vblk_get64(step->desc.addr) : step->a);
    else if (step->a_given && (step->kind == VBLK_STEP_STORE || step->kind == VBLK_STEP_LOAD ||
                               step->kind == VBLK_STEP_DEV_STORE || step->kind == VBLK_STEP_DEV_LOAD ||
                               step->kind == VBLK_STEP_REG_WRITE))
        fprintf(out, " 0x%" PRIx64, step->a);
    if (verb->naming == VECTOR_NAMES_REQUEST)
        print_request(out, step, profile);
    if (step->kind == VBLK_STEP_DESC)
        print_desc(out, step);
    if (step->kind == VBLK_STEP_EXPECT)
        print_expect(out, &step->expect);
    for (const struct vector_member *m = verb->members; m->name; m++)
        print_member(out, step, &usual, m);
    fputc('\n', out);
}

static void print_features(FILE *out, const struct vblk_profile *profile, uint64_t features)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *name = features >> bit & 1 ? vblk_feature_name(profile, bit) : NULL;

        if (name)
            fprintf(out, " %s", name);
        else if (features >> bit & 1)
            fprintf(out, " bit%u", bit);
    }
    fputc('\n', out);
}

void vector_print_script(FILE *out, const struct vblk_script *script)
{
    fprintf(out, "%s\n  profile   %s\n  accepts  ", script->name, script->profile.name);
    print_features(out, &script->profile, script->features);
    if (script->queue_size || script->queues)
        fprintf(out, "  queues    %u of %u entries (0: the player's choice)\n", script->queues, script->queue_size);
    if (script->puppet.queue_max) {
        fprintf(out, "  puppet   ");
        print_features(out, &script->profile, script->puppet.features);
    }
    for (size_t i = 0; i < script->step_count; i++) {
        fprintf(out, "  %3zu  ", i);
        print_step(out, &script->steps[i], &script->profile);
    }
}
