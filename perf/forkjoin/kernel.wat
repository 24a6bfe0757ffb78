;; A tile that waits for the other one of its region, so that both threads take part: bounded, for a region that one thread runs alone.
;; The step's ninth word counts the tiles that have begun, its tenth those that waited in vain, its eleventh how many
;; turns a tile waits. Another tile only keeps its thread busy.
(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "setScratch") (param i32))
  (func (export "meet") (param $step i32) (param $phase i32) (param $tile i32)
    (local $turns i32)
    (drop (i32.atomic.rmw.add offset=32 (local.get $step) (i32.const 1)))
    (block $met
      (loop $wait
        (br_if $met (i32.ge_s (i32.atomic.load offset=32 (local.get $step)) (i32.const 2)))
        (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
        (br_if $wait (i32.lt_s (local.get $turns) (i32.load offset=40 (local.get $step))))
      )
      (drop (i32.atomic.rmw.add offset=36 (local.get $step) (i32.const 1)))
    )
  )
  (func (export "busy") (param $step i32) (param $phase i32) (param $tile i32)
    (local $turns i32)
    (loop $spin
      (local.set $turns (i32.add (local.get $turns) (i32.atomic.load offset=32 (local.get $step))))
      (br_if $spin (i32.lt_s (local.get $turns) (i32.const 5000000)))
    )
  )
)
