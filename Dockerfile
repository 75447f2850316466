# mlpviz in a container, on CPUs: docker build -t mlpviz . && docker run -p 8501:8501 mlpviz
FROM python:3.13-slim

WORKDIR /mlpviz
# The CPU build of PyTorch has a tenth of the usual size. It comes first, so that a change in mlpviz does not reload it.
RUN pip install --no-cache-dir torch==2.14.1 torchvision==0.29.1 --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE ./
COPY .streamlit .streamlit
COPY mlpviz mlpviz
RUN pip install --no-cache-dir '.[download]' && useradd --create-home visitor

# Without a container, the default address serves the page to this machine only.
ENV MLPVIZ_ADDRESS=0.0.0.0 MLPVIZ_PORT=8501 MLPVIZ_OPEN=0
USER visitor
WORKDIR /home/visitor
EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8501/_stcore/health', timeout=5)"]
CMD ["mlpviz"]
