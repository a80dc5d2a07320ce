# SPDX-License-Identifier: BSD-3-Clause
# The first sector of the disk that SeaBIOS boots (seabios.sh): writes patterns by int 13h, reads them back, compares, and
# ends the machine through QEMU's isa-debug-exit: 0x10 all was as it should be, else the step that was not.
        .intel_syntax noprefix
        .code16
        .set PACKET, 0x600              # disk address packet: size, 0, count, offset, segment, 64-bit sector
        .set EXIT, 0xf4                 # iobase of isa-debug-exit
        .globl _start
_start: cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7000
        sti
        cld

        mov bh, 1                       # step 1: the disk has the extensions, which take sectors by number
        push dx
        mov ah, 0x41
        mov bx, 0x55aa
        int 0x13
        pop dx
        mov bh, 1
        jc failed

        mov bh, 2                       # step 2: sector 0 by number is what was loaded here
        mov cx, 1
        xor eax, eax
        mov si, 0x42
        call transfer
        jc failed
        call is_me
        jne failed

        mov bh, 3                       # step 3: and by cylinder, head and sector
        mov ax, 0x3000
        mov es, ax
        push bx
        xor bx, bx
        mov ax, 0x0201
        mov cx, 1
        mov dh, 0
        int 0x13
        pop bx
        jc failed
        call is_me
        jne failed

        mov bh, 4                       # step 4: patterns of growing length, written all and read back each
        mov bp, offset lengths
        mov edi, 16                     # sector
next:   movzx cx, byte ptr [bp]
        jcxz done
        mov ax, 0x1000                  # a pattern of its own for each: the sector's number counts on, word by word
        mov es, ax
        push edi
        push cx
        mov ax, di
        shl cx, 8
        xor di, di
fill:   stosw
        add ax, 0x9e37
        loop fill
        pop cx
        pop edi
        mov eax, edi
        mov si, 0x43
        call transfer
        jc failed
        mov eax, edi
        mov si, 0x42
        call transfer
        jc failed
        push edi
        push cx
        push ds
        shl cx, 8                       # words to compare
        mov ax, 0x1000
        mov ds, ax
        mov ax, 0x3000
        mov es, ax
        xor si, si
        xor di, di
        repe cmpsw
        pop ds
        pop cx
        pop edi
        jne failed
        movzx eax, cx
        add edi, eax
        inc bp
        jmp next

done:   mov bh, 5                       # step 5: a sector past any end is an error, not data
        mov cx, 1
        mov eax, 0xfffffff0
        mov si, 0x42
        call transfer
        jnc failed
        mov bh, 0x10
failed: mov al, bh
        out EXIT, al
halt:   hlt
        jmp halt

# transfer: SI 0x42 read to 0x3000:0, 0x43 write from 0x1000:0; CX sectors from EAX on; carry: it failed
transfer:
        push bx
        push cx
        mov word ptr [PACKET], 0x10
        mov [PACKET + 2], cx
        mov word ptr [PACKET + 4], 0
        mov word ptr [PACKET + 6], 0x3000
        cmp si, 0x42
        je 1f
        mov word ptr [PACKET + 6], 0x1000
1:      mov [PACKET + 8], eax
        mov dword ptr [PACKET + 12], 0
        mov ax, si
        shl ax, 8
        mov si, PACKET
        int 0x13
        pop cx
        pop bx
        ret

# is_me: zero flag: the sector at 0x3000:0 is this one
is_me:  mov ax, 0x3000
        mov es, ax
        xor di, di
        mov si, 0x7c00
        mov cx, 256
        repe cmpsw
        ret

lengths: .byte 1, 2, 7, 8, 33, 64, 127, 0
        .org 510
        .word 0xaa55
