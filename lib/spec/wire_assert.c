/* SPDX-License-Identifier: BSD-3-Clause */
/* Every offset and size of every wire layout, as the text gives them. Nothing here makes code. */
#include <vblk/spec.h>

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " is " #bytes " bytes")
#define AT(type, field, offset)                                                                                        \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field " is at " #offset)

SIZE(vblk_le16, 2);
SIZE(vblk_le32, 4);
SIZE(vblk_le64, 8);
_Static_assert(_Alignof(struct vblk_le64) == 1, "wire types may lie anywhere");

/* 2.7.5 */
SIZE(vblk_desc, 16);
AT(vblk_desc, addr, 0);
AT(vblk_desc, len, 8);
AT(vblk_desc, flags, 12);
AT(vblk_desc, next, 14);

/* 2.7.6, 2.7.8 */
SIZE(vblk_ring_head, 4);
AT(vblk_ring_head, flags, 0);
AT(vblk_ring_head, idx, 2);
SIZE(vblk_used_elem, 8);
AT(vblk_used_elem, id, 0);
AT(vblk_used_elem, len, 4);

/* 2.8.13, 2.8.14 */
SIZE(vblk_packed_desc, 16);
AT(vblk_packed_desc, addr, 0);
AT(vblk_packed_desc, len, 8);
AT(vblk_packed_desc, id, 12);
AT(vblk_packed_desc, flags, 14);
SIZE(vblk_packed_event, 4);
AT(vblk_packed_event, desc, 0);
AT(vblk_packed_event, flags, 2);

/* 5.2.6 */
SIZE(vblk_request_header, 16);
AT(vblk_request_header, type, 0);
AT(vblk_request_header, reserved, 4);
AT(vblk_request_header, sector, 8);
SIZE(vblk_segment, 16);
AT(vblk_segment, sector, 0);
AT(vblk_segment, num_sectors, 8);
AT(vblk_segment, flags, 12);
SIZE(vblk_lifetime, 6);
AT(vblk_lifetime, pre_eol_info, 0);
AT(vblk_lifetime, est_typ_a, 2);
AT(vblk_lifetime, est_typ_b, 4);

/* 5.2.4 */
SIZE(vblk_blk_config, 72);
AT(vblk_blk_config, capacity, 0);
AT(vblk_blk_config, size_max, 8);
AT(vblk_blk_config, seg_max, 12);
AT(vblk_blk_config, cylinders, 16);
AT(vblk_blk_config, heads, 18);
AT(vblk_blk_config, sectors, 19);
AT(vblk_blk_config, blk_size, 20);
AT(vblk_blk_config, physical_block_exp, 24);
AT(vblk_blk_config, alignment_offset, 25);
AT(vblk_blk_config, min_io_size, 26);
AT(vblk_blk_config, opt_io_size, 28);
AT(vblk_blk_config, writeback, 32);
AT(vblk_blk_config, unused0, 33);
AT(vblk_blk_config, num_queues, 34);
AT(vblk_blk_config, max_discard_sectors, 36);
AT(vblk_blk_config, max_discard_seg, 40);
AT(vblk_blk_config, discard_sector_alignment, 44);
AT(vblk_blk_config, max_write_zeroes_sectors, 48);
AT(vblk_blk_config, max_write_zeroes_seg, 52);
AT(vblk_blk_config, write_zeroes_may_unmap, 56);
AT(vblk_blk_config, unused1, 57);
AT(vblk_blk_config, max_secure_erase_sectors, 60);
AT(vblk_blk_config, max_secure_erase_seg, 64);
AT(vblk_blk_config, secure_erase_sector_alignment, 68);

/* The proposal */
SIZE(vblk_provision_config, 8);
AT(vblk_provision_config, max_provision_sectors, 0);
AT(vblk_provision_config, max_provision_seg, 4);

/* 1.3 and later, from offset 72 of the configuration */
SIZE(vblk_zoned_config, 24);
AT(vblk_zoned_config, zone_sectors, 0);
AT(vblk_zoned_config, max_open_zones, 4);
AT(vblk_zoned_config, max_active_zones, 8);
AT(vblk_zoned_config, max_append_sectors, 12);
AT(vblk_zoned_config, write_granularity, 16);
AT(vblk_zoned_config, model, 20);
AT(vblk_zoned_config, unused2, 21);
