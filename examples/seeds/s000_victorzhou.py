"""S000. Victor Zhou: CNNs, Part 1 and 2, an introduction, and training one with NumPy alone.

What the article teaches. A 28x28 digit goes through eight 3x3 filters, a 2x2 max-pooling, and a dense layer
with softmax:

    28x28x1 -conv-> 26x26x8 -pool-> 13x13x8 -dense, softmax-> 10 probabilities

A layer keeps in forward what backward will need; it takes dL/d(out) and gives back dL/d(in). It trains on one
image a step, on 1,000 images, three times, and reaches a test loss of 0.598 and a test accuracy of 78 %.

Where ours differs. The network, the start, the learning rate and the steps are the same; the layers are the
library's, and there is no backward to write. What the article's code cannot do, ours does:
  - its first layer gives no gradient for the image, "left to the reader", so no second one can stand below.
    Every input has a gradient here: the end of the script shows it, and stacks two layers;
  - its softmax overflows for large logits, and its backward knows one kind of loss. Here the loss is cross_entropy
    of the logits, through log Σ exp with the maximum taken out;
  - equal maxima of a window each got the whole gradient. Here the first one gets it, once;
  - its first "past 100 steps" are 99. Here a line is printed after 100 steps.

Three protocols: `article` as above; `twin`, the same network on all 60,000 images, which the article does in
Keras (97.44 %), ours with a learning rate that falls to 0 in a straight line; `official`, the CNN of Keras' own
MNIST example (99.25 % after 12 epochs).
"""

import time

from common import evaluate, parser, read_digits, shuffled

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, optim
from tinygrad_cnn.vision.models import get_model


def victorzhou(side: int) -> nn.Sequential:
    """(N,1,side,side) -> (N,10) logits, with the article's first weights."""
    conv = nn.Conv2d(1, 8, 3, bias=False)
    dense = nn.Linear(8 * ((side - 2) // 2) ** 2, 10)
    nn.init.normal_(conv.weight, std=1 / 9)
    nn.init.normal_(dense.weight, std=1 / dense.in_features)
    nn.init.zeros_(dense.bias)
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.Flatten(), dense)


def article(model, images, labels, epochs=3, log_every=100, decay=False):
    """One image a step, plain gradient descent, a line for every 100 steps; with `decay` the rate falls to 0."""
    optimizer = optim.SGD(model.parameters(), lr=0.005)
    steps = epochs * len(images)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps if decay else 1)
    for epoch in range(1, epochs + 1):
        print(f"--- Epoch {epoch} ---")
        loss_sum, right = 0.0, 0
        for step, (image, label) in enumerate(shuffled(images, labels, 1), 1):
            logits = model(image)
            loss = F.cross_entropy(logits, label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
            right += int(logits.argmax(1).item() == label.item())
            if step % log_every == 0:
                mean, accuracy = loss_sum / log_every, right / log_every
                print(f"[Step {step}] Past {log_every} steps: Average Loss {mean:.3f} | Accuracy: {accuracy:.0%}")
                loss_sum, right = 0.0, 0


def official(model, train, test, epochs=12, batch_size=128):
    """Keras' example, with Adam and one cycle of learning rates where that has Adadelta."""
    images, labels = train
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    steps = epochs * -(-len(images) // batch_size)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.003, total_steps=steps)
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        for x, y in shuffled(images, labels, batch_size):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - start
        test_loss, accuracy = evaluate(model, *test)
        print(f"epoch {epoch:2}: {seconds:5.1f} s  test loss {test_loss:.4f}  test accuracy {accuracy:.2%}", flush=True)


def what_the_article_leaves_to_the_reader(image):
    """The gradient of the image, by which convolutions can be stacked."""
    pixels = tg.tensor([[0.0, 50, 0], [0, 80, 31], [33, 90, 0]]).view(1, 1, 3, 3)
    zero, one = tg.zeros(1, 1, 3, 3), tg.zeros(1, 1, 3, 3)
    one[0, 0, 1, 1] = 1
    rise = (F.conv2d(pixels, one) - F.conv2d(pixels, zero)).item()
    print(f"Raising the centre weight by 1 raises the output by the centre pixel: {rise:.0f}")

    side = image.shape[-1]
    below = nn.Conv2d(1, 4, 3, padding=1)
    above = nn.Sequential(nn.Conv2d(4, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * ((side - 2) // 2) ** 2, 10))
    image = image.clone().requires_grad_()
    F.cross_entropy(above(below(image)), tg.tensor([3])).backward()
    moved = sum(p.grad.abs().sum().item() > 0 for p in below.parameters())
    print(f"Gradient of the image: {tuple(image.grad.shape)}; parameters of the lower conv that learn: {moved} of 2")


def main():
    options = parser(__doc__, "data")
    options.add_argument("--protocol", choices=("article", "twin", "official"), default="article")
    options.add_argument("--epochs", type=int, help="instead of the protocol's own number")
    args = options.parse_args()
    tg.manual_seed(args.seed)
    train_x, train_y, test_x, test_y = read_digits(args.quick, args.root)
    side = train_x.shape[-1]

    start = time.perf_counter()
    if args.protocol == "official":
        model = get_model("keras_mnist", input_shape=(1, side, side))
        official(model, (train_x, train_y), (test_x, test_y), args.epochs or 12)
    else:
        few = args.protocol == "article"
        n, n_test, log_every = (1000, 1000, 100) if few else (len(train_x), len(test_x), len(train_x) // 10)
        train_x, test_x = train_x - 0.5, test_x - 0.5
        model = victorzhou(side)
        print("MNIST CNN initialized!")
        article(model, train_x[:n], train_y[:n], args.epochs or 3, log_every, decay=not few)
        test_x, test_y = test_x[:n_test], test_y[:n_test]
    seconds = time.perf_counter() - start

    loss, accuracy = evaluate(model, test_x, test_y)
    print(f"\n--- Testing the CNN on {len(test_x)} images ---")
    print(f"Test Loss: {loss:.4f}\nTest Accuracy: {accuracy:.4f}\nTraining took {seconds:.1f} s\n")
    what_the_article_leaves_to_the_reader(test_x[:1])


if __name__ == "__main__":
    main()
