"""S003. Hermosayhl: a CNN from scratch, part 8: training, and the project around it, in C++.

What the article teaches. Photographs of dogs, pandas and birds go through four 3x3 convolutions of stride 2 and one
dense layer (111,267 parameters); softmax and cross-entropy, whose joint gradient is q - p; a loop in PyTorch's
manner that validates every so many batches, keeps the best weights, and tests them at the end. It reports up to
91.3 % on 300 images for validation, after 400,000 batches of 4 from 2,400 images, and 81 % without augmentation.

Where ours differs. The network and the loop are the same, on as many images as there are below --root. And:
  - batch norm and dropout "validate very badly, unresolved": its one flag for gradients also decides how these
    behave, it drops the same channels each time, and old files of weights lack the running statistics. Here
    train() and eval() decide, and state_dict holds names, shapes and statistics: both are good at test time;
  - its softmax keeps [5000, 5030, 5040] in range but sets small probabilities to 0, whose log is then -inf. Here
    cross_entropy takes the logits, and also soft labels, and a teacher's answers (distillation);
  - plain gradient descent only; here momentum, Adagrad, RMSProp and Adam are compared on the same start;
  - its Grad-CAM starts from the logits and averages maps. Here it starts from a one-hot vector, averages gradients;
  - it lists as things to do: the confusion matrix, plots of the loss, padding, average pooling. They are there.
"""

import functools
import os
import tempfile
import time
import tracemalloc

import numpy as np
from common import ascii_curve, ascii_image, evaluate, parser

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, optim, viz
from tinygrad_cnn.data import DataLoader, Subset, TensorDataset
from tinygrad_cnn.vision import datasets, transforms

CLASSES = ["dog", "panda", "bird"]


class Animals(datasets.ImageFolder):
    """Only these folders, in this order; a photograph is read once."""

    def __init__(self, root, transform):
        super().__init__(root, transform, loader=functools.cache(datasets.folder.default_loader))

    def find_classes(self, directory):
        return CLASSES, {name: i for i, name in enumerate(CLASSES)}


def augmentations(side):
    """Flips, crops to 0.70 to 0.95 of the side, rotations by 15 to 75 degrees either way, in random order."""
    crop = transforms.RandomResizedCrop((side, side), scale=(0.70**2, 0.95**2), ratio=(1, 1))
    turn = transforms.RandomChoice([transforms.RandomRotation((15, 75)), transforms.RandomRotation((-75, -15))])
    mixed = [
        transforms.RandomHorizontalFlip(0.5),
        transforms.RandomVerticalFlip(0.2),
        transforms.RandomApply([crop], 0.7),
        transforms.RandomApply([turn], 0.5),
    ]
    return pixels(side, transforms.RandomOrder(mixed))


def pixels(side, *more):
    """A photograph as a tensor (3,side,side) of -1 to 1."""
    to_tensor = transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return transforms.Compose([transforms.Resize((side, side)), *more, *to_tensor])


def small_alexnet(side, batch_norm=False, dropout=0.0):
    """(N,3,side,side) -> (N,3) logits; of 224 pixels 111, 55, 27, 13, 6 remain, in 16, 16, 32, 64, 128 channels."""
    layers, channels = [], [3, 16, 32, 64, 128]
    for i in range(4):
        layers.append(nn.Conv2d(channels[i], channels[i + 1], 3, stride=2))
        layers += [nn.BatchNorm2d(channels[i + 1])] if batch_norm else []
        layers.append(nn.ReLU())
        layers += [nn.MaxPool2d(2)] if i == 0 else []
        side = (side - 3) // 2 + 1
        side = side // 2 if i == 0 else side
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * side**2, len(CLASSES)))


def train(model, loader, valid, optimizer, iterations, validate_every, path):
    """Train; validate every so many iterations; keep the best weights in a file, and end with them.

    The learning rate falls along a cosine. Returns losses and validations.
    """
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    best, losses, validations = -1.0, [], []
    batches = iter(loader)
    for iteration in range(1, iterations + 1):
        batch = next(batches, None)
        if batch is None:
            batches = iter(loader)
            batch = next(batches)
        model.train()
        loss = F.cross_entropy(model(batch[0]), hard(batch[1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if iteration % validate_every == 0 or iteration == iterations:
            accuracy = evaluate(model, *valid, batch_size=60)[1]
            validations.append((iteration, accuracy))
            if accuracy > best:
                best = accuracy
                tg.save({"model": model.state_dict(), "iteration": iteration, "accuracy": accuracy}, path)
    model.load_state_dict(tg.load(path)["model"])
    return losses, validations


def hard(labels):
    """[0, 0, 1]: all for the label."""
    return F.one_hot(labels, len(CLASSES)).float()


def soft(labels):
    """[0.05, 0.05, 0.9]: 0.9 for the label, the rest for the others."""
    return hard(labels) * (0.9 - 0.1 / (len(CLASSES) - 1)) + 0.1 / (len(CLASSES) - 1)


def stack(dataset):
    """All images and labels of a data set as two tensors."""
    images, labels = zip(*(dataset[i] for i in range(len(dataset))))
    return tg.stack(images), tg.tensor(labels)


def with_and_without(args, train_set, valid, test, folder):
    """The network with and without batch norm and dropout, each judged by its best checkpoint."""
    print("\nnetwork               parameters   valid    test  seconds")
    rows = []
    for name, batch_norm, dropout in [
        ("plain", False, 0.0),
        ("batch norm", True, 0.0),
        ("dropout", False, 0.5),
        ("batch norm, dropout", True, 0.5),
    ]:
        tg.manual_seed(args.seed)
        model, path = small_alexnet(args.side, batch_norm, dropout), os.path.join(folder, f"{name}.ckpt")
        loader = DataLoader(train_set, batch_size=16, shuffle=True, drop_last=True)
        start = time.perf_counter()
        optimizer = optim.Adam(model.parameters(), lr=0.001)
        losses, validations = train(model, loader, valid, optimizer, args.iterations, args.every, path)
        seconds = time.perf_counter() - start
        accuracy, chosen = evaluate(model, *test)[1], max(a for _, a in validations)
        count = sum(p.numel() for p in model.parameters())
        print(f"{name:20}  {count:10,}  {chosen:6.1%}  {accuracy:6.1%}  {seconds:7.1f}", flush=True)
        rows.append((chosen, name, model.eval(), losses, validations))
    return max(rows, key=lambda row: row[0])[1:]


def optimizers(args, train_part, valid):
    """The same start and the same images, five rules of descent."""
    print("\noptimizer   first loss   last loss   valid")
    for name, make in {
        "SGD": lambda p: optim.SGD(p, lr=0.01),
        "momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
        "Adagrad": lambda p: optim.Adagrad(p, lr=0.003),
        "RMSProp": lambda p: optim.RMSprop(p, lr=0.0005),
        "Adam": lambda p: optim.Adam(p, lr=0.001),
    }.items():
        tg.manual_seed(args.seed)
        model = small_alexnet(args.side)
        losses = short_run(model, make(model.parameters()), DataLoader(train_part, 16, shuffle=True), args, hard)
        accuracy = evaluate(model, *valid)[1]
        print(f"{name:10}  {np.mean(losses[:5]):10.3f}  {np.mean(losses[-10:]):10.3f}  {accuracy:6.1%}", flush=True)


def targets(args, train_part, valid, teacher):
    """What the network is told: the label, the label with a doubt, or what a trained network answers."""
    images, labels = train_part.tensors
    with tg.no_grad():
        answers = tg.cat([F.softmax(teacher(images[i : i + 60]), 1) for i in range(0, len(images), 60)])
    kinds = {
        "one-hot": (TensorDataset(images, labels), hard),
        "soft labels": (TensorDataset(images, labels), soft),
        "distilled": (TensorDataset(images, answers), lambda probabilities: probabilities),
    }
    print("\ntarget        valid   mean confidence")
    for name, (told, target) in kinds.items():
        tg.manual_seed(args.seed)
        model = small_alexnet(args.side)
        short_run(model, optim.Adam(model.parameters()), DataLoader(told, 16, shuffle=True), args, target)
        accuracy = evaluate(model, *valid)[1]
        with tg.no_grad():
            confidence = F.softmax(model(valid[0]), 1).amax(1).mean().item()
        print(f"{name:12}  {accuracy:5.1%}  {confidence:15.3f}", flush=True)


def short_run(model, optimizer, loader, args, target):
    losses = []
    for _ in range(args.short):
        for images, told in loader:
            loss = F.cross_entropy(model(images), target(told))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def no_grad_measured(model, images):
    """Memory that is held when forward is done, on kernels that take it from Python, where it is counted; and time."""

    def forward():
        tracemalloc.start()
        with tg.kernels.use("numpy"):
            out = model(images)  # as long as it lives, so does what backward would need
        held = tracemalloc.get_traced_memory()[0] - out.nbytes
        tracemalloc.stop()
        times = []
        for _ in range(20):
            start = time.perf_counter()
            model(images)
            times.append(1000 * (time.perf_counter() - start))
        return held / 2**20, min(times)

    model.eval()
    print(f"\nforward of {len(images)} images   held for backward     time")
    held, ms = forward()
    print(f"recording               {held:13.2f} MiB  {ms:5.1f} ms")
    with tg.no_grad():
        less, ms = forward()
    print(f"no_grad                 {less:13.2f} MiB  {ms:5.1f} ms")
    print(f"no_grad holds less: {less < held / 10}")


def look(model, test, test_set, out):
    """One image at a time: its class, how sure, and where the network looked."""
    images, labels = test
    heat = viz.grad_cam(model, images[:3])
    print()
    for i in range(3):
        with tg.no_grad():
            probabilities = F.softmax(model(images[i : i + 1]), 1)[0]
        called = int(probabilities.argmax().item())
        print(f"image {i}: a {CLASSES[labels[i]]}, called a {CLASSES[called]} ({probabilities[called].item():.3f})")
    small = F.adaptive_avg_pool2d(tg.from_numpy(heat[:1, None]).float(), 16)[0, 0]
    print(f"\nGrad-CAM of image 0: dense where its class comes from\n{ascii_image(small)}")
    with tg.no_grad():
        logits = model(images)
    print(f"\nconfusion matrix of the test images\n{viz.confusion_matrix(logits, labels, CLASSES)}")
    if out:
        from tinygrad_cnn.vision.utils import save_image

        pictures = [viz.overlay(image, one) for image, one in zip(images[:3], heat)]
        pictures = tg.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2))
        save_image([*(images[:3] / 2 + 0.5), *pictures.float()], os.path.join(out, "grad_cam.png"), nrow=3)
        print(f"the pictures are in {out}/grad_cam.png")


def invent(folder, side=96, each=50):
    """One disc, many dots and stripes in the folders of dogs, pandas and birds: for --quick."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    for name in CLASSES:
        os.makedirs(os.path.join(folder, name))
        for i in range(each):
            a, b = rng.integers(side // 4, 3 * side // 4, 2)
            shape = {
                "dog": (x - a) ** 2 + (y - b) ** 2 < (side // 4) ** 2,
                "panda": ((x + a) % 16 < 8) & ((y + b) % 16 < 8),
                "bird": (x + a) % 16 < 8,
            }[name]
            colours = rng.uniform(0, 0.4, (3, 1, 1)) + np.array([0.6, 0]).reshape(2, 1, 1, 1)
            picture = tg.from_numpy(np.where(shape, *colours).astype(np.float32))
            transforms.functional.to_pil_image(picture).save(os.path.join(folder, name, f"{i}.png"))


def main():
    options = parser(__doc__, "data/animals")
    options.add_argument("--side", type=int, help="of the images in pixels (default: 224, quick 64)")
    options.add_argument("--iterations", type=int, help="batches of 16 for each network (default: 1500, quick 40)")
    args = options.parse_args()
    args.side = args.side or (64 if args.quick else 224)
    args.iterations = args.iterations or (40 if args.quick else 1500)
    args.every, args.short = (20, 2) if args.quick else (60, 6)
    if args.out:
        os.makedirs(args.out, exist_ok=True)

    with tempfile.TemporaryDirectory() as folder:
        if args.quick:
            args.root = os.path.join(folder, "animals")
            invent(args.root)
        tg.manual_seed(args.seed)
        still, moving = Animals(args.root, pixels(args.side)), Animals(args.root, augmentations(args.side))
        order = tg.randperm(len(still)).tolist()
        first, second = len(order) * 8 // 10, len(order) * 9 // 10
        train_set, test_set = Subset(moving, order[:first]), Subset(still, order[second:])
        valid, test = stack(Subset(still, order[first:second])), stack(test_set)
        print(f"train {len(train_set)}  valid {len(valid[1])}  test {len(test_set)}, {args.side} x {args.side}")
        print(f"softmax of [5000, 5030, 5040]: {F.softmax(tg.tensor([5000.0, 5030, 5040]), 0).tolist()}")
        print(f"parameters for images of 224 x 224: {sum(p.numel() for p in small_alexnet(224).parameters()):,}")

        name, model, losses, validations = with_and_without(args, train_set, valid, test, folder)
        print(f"\nloss of {name}\n{ascii_curve(losses)}")
        print(
            "validation accuracy: " + "  ".join(f"{i}: {a:.0%}" for i, a in validations[:: -(-len(validations) // 8)])
        )
        train_part = TensorDataset(*stack(Subset(still, order[:first])))
        optimizers(args, train_part, valid)
        targets(args, train_part, valid, model)
        no_grad_measured(model, train_part.tensors[0][:32])
        look(model, test, test_set, args.out)
        chance = 200 * (0.8 * 0.2 / len(test_set)) ** 0.5
    print(
        "\nNotice the table of networks: batch norm and dropout do at test time what they did in validation, as far as"
    )
    print(f"{len(test_set)} images can tell: where 80 % is right, chance alone moves the count by {chance:.0f} points.")


if __name__ == "__main__":
    main()
