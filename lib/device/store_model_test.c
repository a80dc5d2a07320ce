/* SPDX-License-Identifier: BSD-3-Clause */
/* The store beside a plain model of it: of each sector what it is now, and what a power cut makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/spec.h>
#include <vblk/store.h>

#define MOST    500u /* sectors */
#define CHUNK   64u  /* sectors that get a stable state of their own together, with the first write to one of them */
#define POOL    400u
#define LONGEST 150u

struct facts {
    uint8_t byte;
    bool alloc, shared;
};

static struct model {
    struct facts is[MOST], was[MOST]; /* was: where dirty */
    bool dirty[MOST], chunk[MOST / CHUNK + 1];
    uint64_t pool;
    unsigned capacity;
} model;

static struct vblk_store *store;
static struct vblk_backend disk;

static bool space_of_its_own(const struct facts *f)
{
    return f->alloc && !f->shared;
}

static uint64_t held(unsigned at, unsigned end)
{
    uint64_t sum = 0;

    for (unsigned i = at; i < end; i++)
        sum += space_of_its_own(&model.is[i]) || (model.dirty[i] && space_of_its_own(&model.was[i]));
    return sum;
}

/* Before a sector changes. */
static void change(unsigned i, bool stable)
{
    if (stable || !model.chunk[i / CHUNK]) {
        model.dirty[i] = false;
    } else if (!model.dirty[i]) {
        model.dirty[i] = true;
        model.was[i] = model.is[i];
    }
}

static void set(unsigned i, uint8_t byte, bool alloc)
{
    model.is[i] = (struct facts){ byte, alloc, false };
}

enum act { WRITE, ZEROES, UNMAP, DISCARD, ERASE, PROVISION, SHARE, FLUSH, CUT, RESIZE, ACTS };

static void model_sector(enum act act, unsigned i, uint8_t byte, bool stable, uint64_t seed)
{
    switch (act) {
    case WRITE:
        model.chunk[i / CHUNK] = true;
        change(i, stable);
        set(i, byte, true);
        break;
    case ZEROES:
    case UNMAP:
        change(i, stable);
        set(i, 0, act == ZEROES);
        break;
    case DISCARD:
    case ERASE:
        change(i, true);
        set(i, 0, false);
        break;
    case PROVISION:
        model.is[i].alloc = model.was[i].alloc = true;
        model.is[i].shared = model.was[i].shared = false;
        break;
    case SHARE:
        model.is[i].shared = model.is[i].alloc;
        model.was[i].shared = model.was[i].alloc;
        break;
    case CUT:
        if (model.dirty[i] && !(seed >> i % CHUNK & 1))
            model.is[i] = model.was[i];
        model.dirty[i] = false;
        break;
    case FLUSH:
        model.dirty[i] = false;
        break;
    default:
        break;
    }
}

static void model_resize(unsigned capacity)
{
    for (unsigned i = capacity; i < MOST; i++) {
        model.dirty[i] = false;
        set(i, 0, false);
    }
    model.capacity = capacity;
}

/* @return what the store must answer. */
static vblk_err model_act(enum act act, unsigned at, unsigned count, uint8_t byte, bool stable, uint64_t seed)
{
    const bool whole = act == FLUSH || act == CUT;
    const unsigned from = whole ? 0 : at, end = whole ? MOST : at + count;
    const uint64_t before = held(0, MOST);

    if (act == RESIZE) {
        model_resize(at);
    } else {
        if (!whole && end > model.capacity)
            return act == SHARE ? VBLK_OK : VBLK_E_IO;
        if ((act == WRITE || act == ZEROES || act == PROVISION) && count - held(at, end) > model.pool)
            return VBLK_E_FULL;
        for (unsigned i = from; i < end; i++)
            model_sector(act, i, byte, stable, seed);
    }
    if (act != SHARE)
        model.pool += before - held(0, MOST);
    return VBLK_OK;
}

static vblk_err store_act(enum act act, unsigned at, unsigned count, uint8_t byte, bool stable, uint64_t seed)
{
    static uint8_t buf[LONGEST * VBLK_SECTOR];

    switch (act) {
    case WRITE:
        memset(buf, byte, (size_t)count * VBLK_SECTOR);
        return disk.write(disk.ctx, at, buf, count, stable);
    case ZEROES:
    case UNMAP:
        return disk.write_zeroes(disk.ctx, at, count, act == UNMAP, stable);
    case DISCARD:
        return disk.discard(disk.ctx, at, count);
    case ERASE:
        return disk.secure_erase(disk.ctx, at, count);
    case PROVISION:
        return disk.provision(disk.ctx, at, count);
    case SHARE:
        return at + count > model.capacity ? VBLK_OK : vblk_store_share(store, at, count);
    case FLUSH:
        return disk.flush(disk.ctx);
    case CUT:
        vblk_store_power_cut(store, seed);
        return VBLK_OK;
    default:
        return vblk_store_resize(store, at);
    }
}

static void agree(void)
{
    static uint8_t buf[MOST * VBLK_SECTOR];
    unsigned sum = 0;

    assert_int_equal(vblk_store_capacity(store), model.capacity);
    assert_int_equal(vblk_store_pool(store), model.pool);
    assert_int_equal(disk.read(disk.ctx, 0, buf, model.capacity), VBLK_OK);
    for (unsigned i = 0; i < model.capacity; i++) {
        const struct facts *f = &model.is[i];

        assert_int_equal(buf[i * VBLK_SECTOR], f->byte);
        assert_int_equal(buf[(i + 1) * VBLK_SECTOR - 1], f->byte);
        assert_int_equal(vblk_store_extent(store, i), !f->alloc   ? VBLK_EXTENT_HOLE
                                                      : f->shared ? VBLK_EXTENT_SHARED
                                                                  : VBLK_EXTENT_ALLOCATED);
        sum += f->alloc;
    }
    assert_int_equal(vblk_store_allocated(store), sum);
}

static void begin(void)
{
    memset(&model, 0, sizeof(model));
    model.pool = POOL;
    model.capacity = MOST;
    vblk_store_reset(store, MOST);
    vblk_store_set_pool(store, POOL);
}

static uint32_t any(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_acts__bytes_space_and_pool_agree(void **state)
{
    /* how often each of them comes */
    static const uint8_t often[] = { WRITE, WRITE, WRITE, ZEROES, UNMAP,  DISCARD, ERASE,
                                     SHARE, SHARE, FLUSH, CUT,    RESIZE, PROVISION, PROVISION };
    uint32_t seed = 1, full = 0;

    (void)state;
    store = vblk_store_new(MOST);
    assert_non_null(store);
    disk = vblk_store_backend(store);
    for (unsigned step = 0; step < 6000; step++) {
        enum act act = (enum act)often[any(&seed) % sizeof(often)];
        unsigned at = any(&seed) % MOST;
        const unsigned count = 1 + any(&seed) % (any(&seed) % 4 ? 20 : LONGEST);
        const bool stable = any(&seed) % 3 == 0;
        const uint64_t bits = (uint64_t)any(&seed) << 40 ^ any(&seed);
        const uint8_t byte = (uint8_t)(1 + step % 255);
        vblk_err wanted;

        if (step % 300 == 0) /* what was there before is nobody's any more */
            begin();
        if (act == RESIZE)
            at = any(&seed) % 3 ? MOST : MOST - at / 4;
        wanted = model_act(act, at, count, byte, stable, bits);
        full += wanted == VBLK_E_FULL;
        assert_int_equal(store_act(act, at, count, byte, stable, bits), wanted);
        if (step % 4 == 0)
            agree();
    }
    assert_true(full > 20);
    vblk_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_acts__bytes_space_and_pool_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
