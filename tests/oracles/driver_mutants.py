"""Mutants of the driver of the proved kernel: a text of its files, and what stands in its place."""

DRIVER = {
    "norms exchanged": (
        '"1" -> Of L1 | "2" -> Of L2',
        '"1" -> Of L2 | "2" -> Of L1',
    ),
    "higher norms read as the next one": (
        "Power (nat (p - 2))",
        "Power (nat (p - 1))",
    ),
    "higher norms read as 2": (
        "Power (nat (p - 2))",
        "Of L2",
    ),
    "open and closed exchanged": (
        '"open", true; "closed", false',
        '"open", false; "closed", true',
    ),
    "every ball closed": (
        '"open", true; "closed", false',
        '"open", false; "closed", false',
    ),
    "decoders exchanged": (
        '"value", Value; "nearest", Nearest',
        '"value", Nearest; "nearest", Value',
    ),
    "sign read as argmax": (
        '"sign", Sign',
        '"sign", Argmax',
    ),
    "no ball": (
        "Ball (n, size, opened ())",
        "(ignore (n, size, opened ()); Box)",
    ),
    "the radius doubled": (
        "Ball (n, size,",
        "Ball (n, add0 size size,",
    ),
    "a rate doubled": (
        "({ growth; rate;",
        "({ growth; rate = add0 rate rate;",
    ),
    "a family of other ends": (
        "first; last; open_end",
        "first = last; last = first; open_end",
    ),
    "a family closed": (
        "open_end = opened ()",
        "open_end = (ignore (opened ()); false)",
    ),
    "a family open": (
        "open_end = opened ()",
        "open_end = (ignore (opened ()); true)",
    ),
    "atoms without inputs": (
        "let xs = rising input_name number () in let ys",
        "let xs = (ignore (rising input_name number ()); []) in let ys",
    ),
    "atoms without outputs": (
        "let ys = rising index number ()",
        "let ys = (ignore (rising index number ()); [])",
    ),
    "atoms without offset": (
        "let offset = number () in { xs",
        "let offset = (ignore (number ()); zero) in { xs",
    ),
    "strict atoms read as weak": (
        '"strict", true; "weak", false',
        '"strict", false; "weak", false',
    ),
    "weak atoms read as strict": (
        '"strict", true; "weak", false',
        '"strict", true; "weak", true',
    ),
    "the first goal dropped": (
        'refuse "no goal" else aims',
        'refuse "no goal" else List.tl aims',
    ),
    "sides exchanged": (
        "low; high; center = number ()",
        "low = high; high = low; center = number ()",
    ),
    "centers at zero": (
        "high; center = number ()",
        "high; center = (ignore (number ()); zero)",
    ),
    "every claim holds": (
        "choice options () in if not holds",
        "choice options () in let holds = true in if not holds",
    ),
    "exit code 0": (
        "if not holds then incr refused;",
        "",
    ),
    "every proof accepted": (
        '(check p, "robust")',
        '(ignore (check p); (true, "robust"))',
    ),
    "every flip accepted": (
        '(check k (numbers 0 ()), "flip")',
        '(ignore (check k (numbers 0 ())); (true, "flip"))',
    ),
    "every radius accepted": (
        '(radius fuel (lines ()) net g aims p k x, "exact radius")',
        '(ignore (k, x); (verify fuel (lines ()) net g aims p, "exact radius"))',
    ),
    "a radius that is a flip": (
        '(radius fuel (lines ()) net g aims p k x, "exact radius")',
        (
            "(flip net { g with ball = (match g.ball with Ball (n, s, _) -> "
            'Ball (n, s, false) | b -> b) } aims k x, "exact radius")'
        ),
    ),
    "no clip": (
        "Some (bounds ()) else None",
        "(ignore (bounds ()); None) else None",
    ),
    "the budget 0": (
        "let budget = number () in let reach",
        "let budget = (ignore (number ()); zero) in let reach",
    ),
    "one class more": (
        "let classes = index () in let metric",
        "let classes = S (index ()) in let metric",
    ),
    "D without slope": (
        "d1 = number () } in",
        "d1 = (ignore (number ()); zero) } in",
    ),
    "D(0) = 1": (
        "let d0 = number () in let f",
        ("let d0 = (ignore (number ()); { qnum = Whole.one; qden = Whole.one }) in let f"),
    ),
    "one label more": (
        "let label = index () in let s",
        "let label = S (index ()) in let s",
    ),
    "every label 0": (
        "let label = index () in let s",
        "let label = (ignore (index ()); O) in let s",
    ),
    "samples at zero": (
        "(center (), label)",
        "(List.map (fun _ -> zero) (center ()), label)",
    ),
    "samples without number": (
        "let i = token () in let label",
        'let i = (ignore (token ()); "0") in let label',
    ),
    "flips of other samples": (
        "flips (flip_sample net t s)",
        "flips (flip_sample net t (fst s, S (snd s)))",
    ),
    "flips that are not clipped": (
        "flips (flip_sample net t s)",
        "flips (flip_sample net { t with clip = None } s)",
    ),
    "flips of the whole box": (
        "flips (flip net g aims)",
        "flips (flip net { g with ball = Box } aims)",
    ),
    "proofs for the center alone": (
        "verify_sample fuel (lines ()) net t reach s p",
        "verify_sample fuel (lines ()) net { t with budget = zero } reach s p",
    ),
    "proofs about no goal": (
        "verify fuel (lines ()) net g aims p);",
        "verify fuel (lines ()) net g [] { p with trees = [] });",
    ),
    "families of the first ball": (
        "verify_family fuel (lines_of_x ()) net f reach",
        (
            "verify_family fuel (lines_of_x ()) net { f with balls = { f.balls with "
            "last = add0 f.balls.first { qnum = Whole.one; qden = Whole.of_int "
            "1000000 } } } reach"
        ),
    ),
    "every family accepted": (
        "verify_family fuel (lines_of_x ()) net f reach s p)",
        "ignore (verify_family fuel (lines_of_x ()) net f reach s p); true)",
    ),
    "cones about no goal": (
        "verify_cone fuel (lines_of_x ()) net k reach c aims p)",
        (
            "verify_cone fuel (lines_of_x ()) net k reach c (List.tl aims) { p with "
            "trees = List.tl p.trees })"
        ),
    ),
    "families whose sums read m": (
        "lines_of_x = lines_but 1",
        "lines_of_x = lines_but 0",
    ),
    "families without sums": (
        "lines_of_x = lines_but 1",
        "lines_of_x () = Nil",
    ),
    "another network asked about": (
        "outputs = several row outputs } in",
        (
            "outputs = List.map (fun r -> { r with constant = Whole.zero }) "
            "(several row outputs) } in"
        ),
    ),
    "questions that are not printed": (
        "print (fun write -> Show.question write g aims);",
        "",
    ),
    "cones that are not printed": (
        "print (fun write -> Show.cone write k reach c aims);",
        "",
    ),
    "families that are not printed": (
        "print (fun write -> Show.family write f reach);",
        "",
    ),
    "tasks that are not printed": (
        "print (fun write -> Show.task write t reach);",
        "",
    ),
    "samples that are not printed": (
        "print (fun write -> Show.sample write i s);",
        "",
    ),
    "a network that is not printed": (
        "print (fun write -> Show.network write net);",
        "",
    ),
}
TOKENS = {
    "denominators of rows are 1": (
        "denominator = positive (token ()) }",
        "denominator = (ignore (positive (token ())); Whole.one) }",
    ),
    "denominators are 1": (
        "qden = positive (after (i + 1) t)",
        "qden = (ignore (positive (after (i + 1) t)); Whole.one)",
    ),
    "rows without constants": (
        "let constant = whole () in",
        "let constant = (ignore (whole ()); Whole.zero) in",
    ),
    "no sign": (
        "then Whole.of_string t else",
        "then Whole.abs (Whole.of_string t) else",
    ),
    "every variable is the first": (
        "if k < past then !names.(k)",
        "if k < past then !names.(0)",
    ),
}
MUTANTS = {name: ("robmem_kernel.ml", *change) for name, change in DRIVER.items()}
MUTANTS |= {name: ("tokens.ml", *change) for name, change in TOKENS.items()}
